package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.TokenStream;
import org.apache.pekko.Done;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;

/**
 * Drains a {@link TokenStream} on demand. The engine's wake-up only schedules {@code drain}. A pull
 * always looks again after {@code consumedUpTo}, so a token published in between is not missed:
 * when a drain finds nothing, everything published had been declared consumed and the next token
 * wakes.
 */
final class GenerationSource extends GraphStage<SourceShape<GenerationEvent>> {
  private final Outlet<GenerationEvent> out = Outlet.create("generation.out");
  private final SourceShape<GenerationEvent> shape = SourceShape.of(out);
  private final Generation generation;

  GenerationSource(Generation generation) {
    this.generation = generation;
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
    private final TokenStream stream = generation.stream();
    private int takenCount;
    private boolean ended;

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
      AsyncCallback<Done> wakeup = createAsyncCallback(ignored -> drain());
      generation.attach(() -> wakeup.invoke(Done.getInstance()));
    }

    private void drain() {
      if (ended || !isAvailable(out)) {
        return;
      }
      FinishReason reason = stream.finishReason();
      int published = stream.published();
      if (published > takenCount) {
        int[] ids = new int[published - takenCount];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = stream.token(takenCount + i);
        }
        takenCount = published;
        stream.consumedUpTo(published);
        push(out, new GenerationEvent.Tokens(ids));
      } else if (reason != null) {
        ended = true;
        push(out, new GenerationEvent.Finished(reason, stream.usage(), stream.failure()));
        complete(out);
      }
    }

    @Override
    public void postStop() {
      if (!ended) {
        generation.cancel();
      }
    }
  }
}
