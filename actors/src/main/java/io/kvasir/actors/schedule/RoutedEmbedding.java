package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.schedule.GenerationReply.Embedded;
import io.kvasir.actors.schedule.GenerationReply.OfAttempt;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * An input that some node embeds: all of it comes at once, so another attempt begins anew. Progress
 * is the desk's thread's, the rest anybody's.
 */
final class RoutedEmbedding implements Embedding, Progress {
  private final long requestId;
  private final ActorRef<DeskCommand> desk;
  private final int inputTokens;
  private final int hiddenSize;
  private final Executor executor;
  private final CompletableFuture<Result> result = new CompletableFuture<>();
  private boolean complete;

  RoutedEmbedding(
      long requestId,
      ActorRef<DeskCommand> desk,
      int inputTokens,
      int hiddenSize,
      Executor executor) {
    this.requestId = requestId;
    this.desk = desk;
    this.inputTokens = inputTokens;
    this.hiddenSize = hiddenSize;
    this.executor = executor;
  }

  @Override
  public CompletionStage<Result> result() {
    return result.minimalCompletionStage();
  }

  @Override
  public void cancel() {
    desk.tell(new GenerationDesk.CancelOrder(requestId));
  }

  @Override
  public Taken take(OfAttempt message, long nowNs) {
    if (!(message instanceof Embedded m) || complete) {
      return Fine.FINE;
    }
    boolean well = m.reason() == FinishReason.STOP;
    boolean fits = m.vector() != null && m.vector().length == hiddenSize * Float.BYTES;
    if (m.reason() == FinishReason.CANCELLED || m.usage() == null || well && !fits) {
      return Lost.LOST;
    }
    float[] vector = null;
    if (well) {
      vector = new float[hiddenSize];
      ByteBuffer.wrap(m.vector()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(vector);
    }
    end(new Result(m.reason(), vector, m.usage().usage(), m.failure()));
    return Fine.FINE;
  }

  private void end(Result ended) {
    complete = true;
    // Whoever waits does not do its work on the desk's thread.
    executor.execute(() -> result.complete(ended));
  }

  @Override
  public List<WireResume> resume() {
    return List.of();
  }

  @Override
  public int resumedTokens() {
    return 0;
  }

  @Override
  public void cancelled(int choice) {}

  @Override
  public boolean complete() {
    return complete;
  }

  @Override
  public void abandon(String sentence, long nowNs) {
    if (!complete) {
      Usage nothing =
          new Usage(inputTokens, PromptSources.cached(inputTokens, 0), 0, 0, 0, 0, 0, -1, 0);
      end(new Result(FinishReason.CANCELLED, null, nothing, sentence));
    }
  }
}
