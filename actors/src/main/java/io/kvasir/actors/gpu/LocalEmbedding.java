package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Pooling;
import io.kvasir.runtime.engine.TokenStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * An input that a device of this node has taken. Safe from any thread. Nobody need wait for it: the
 * engine ends it with its last row, or at its deadline.
 */
public final class LocalEmbedding implements Embedding {
  private final long id;
  private final ActorRef<GpuActor.Command> gpu;
  private final Executor executor;
  private final TokenStream stream;
  private final CompletableFuture<Result> result = new CompletableFuture<>();

  LocalEmbedding(long id, ActorRef<GpuActor.Command> gpu, Pooling pooling, Executor executor) {
    this.id = id;
    this.gpu = gpu;
    this.executor = executor;
    this.stream = TokenStream.pooling(pooling, this::wake);
  }

  /** Completes when the engine has ended it, never on the engine's thread; never fails. */
  @Override
  public CompletionStage<Result> result() {
    return result.minimalCompletionStage();
  }

  @Override
  public void cancel() {
    gpu.tell(new GpuActor.Cancel(id));
  }

  long id() {
    return id;
  }

  TokenStream stream() {
    return stream;
  }

  private void wake() {
    if (stream.finishReason() == null) {
      return;
    }
    try {
      executor.execute(this::complete);
    } catch (RejectedExecutionException systemEnded) {
      complete();
    }
  }

  private void complete() {
    FinishReason reason = stream.finishReason();
    result.complete(
        new Result(
            reason,
            reason == FinishReason.STOP ? stream.pooled().vector() : null,
            stream.usage(),
            stream.failure()));
  }
}
