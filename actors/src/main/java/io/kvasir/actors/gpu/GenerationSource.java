package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.TokenStream;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;

/**
 * Drains the {@link TokenStream}s of a generation on demand, in turn, so that no choice is held up
 * by another that runs ahead. The engine's wake-ups only schedule {@code drain}, once until it has
 * run however many choices have news. A pull always looks again after {@code consumedUpTo}, so a
 * token published in between is not missed: when a drain finds too few tokens to take, all taken
 * ones had been declared consumed, and the one that makes them enough wakes.
 */
final class GenerationSource extends GraphStage<SourceShape<GenerationEvent>> {
  private final Outlet<GenerationEvent> out = Outlet.create("generation.out");
  private final SourceShape<GenerationEvent> shape = SourceShape.of(out);
  private final StreamedGeneration generation;
  private final int interval;

  /**
   * @param interval tokens of a choice that are taken together, but for the first and the last
   */
  GenerationSource(StreamedGeneration generation, int interval) {
    this.generation = generation;
    this.interval = interval;
  }

  @Override
  public SourceShape<GenerationEvent> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final TokenStream[] streams = generation.streams().toArray(new TokenStream[0]);

    /** Tokens seen of each choice; those that a resumed one was given are known already. */
    private final int[] takenCounts =
        Arrays.stream(streams).mapToInt(TokenStream::resumedTokens).toArray();

    private final boolean[] ended = new boolean[streams.length];
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private int running = streams.length;
    private int next;

    Logic() {
      super(shape);
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              drain();
            }
          });
    }

    @Override
    public void preStart() {
      for (TokenStream stream : streams) {
        stream.wakeEvery(interval);
      }
      AsyncCallback<NotUsed> wakeup = createAsyncCallback(ignored -> onWakeup());
      generation.attach(
          () -> {
            if (scheduled.compareAndSet(false, true)) {
              wakeup.invoke(NotUsed.getInstance());
            }
          });
    }

    private void onWakeup() {
      // Before looking: what is published from here on schedules another drain.
      scheduled.set(false);
      drain();
    }

    private void drain() {
      for (int i = 0; i < streams.length && running > 0 && isAvailable(out); i++) {
        int choice = next;
        next = next + 1 == streams.length ? 0 : next + 1;
        if (!ended[choice]) {
          offer(choice);
        }
      }
    }

    private void offer(int choice) {
      TokenStream stream = streams[choice];
      FinishReason reason = stream.finishReason();
      int published = stream.published();
      int first = takenCounts[choice];
      if (isDue(stream, first, published, reason)) {
        int[] ids = new int[published - first];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = stream.token(first + i);
        }
        takenCounts[choice] = published;
        stream.consumedUpTo(published);
        push(out, new GenerationEvent.Tokens(choice, first, ids));
      } else if (reason != null) {
        ended[choice] = true;
        running--;
        push(out, new GenerationEvent.Finished(choice, reason, stream.usage(), stream.failure()));
        if (running == 0) {
          complete(out);
        }
      }
    }

    private boolean isDue(TokenStream stream, int first, int published, FinishReason reason) {
      boolean now = first == stream.resumedTokens() || reason != null;
      return published - first >= (now ? 1 : interval);
    }

    @Override
    public void postStop() {
      if (running > 0) {
        generation.cancel();
      }
    }
  }
}
