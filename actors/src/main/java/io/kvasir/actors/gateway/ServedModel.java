package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.GpuActor;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * The model that the gateway offers: known by name at once, answering when text and engine are
 * ready. Safe from any thread.
 */
public final class ServedModel {
  /** Where it stands. */
  public sealed interface State {}

  /** Not yet. */
  public record Loading() implements State {}

  /** Requests can be made. */
  public record Ready(ModelText text, int maxContextTokens) implements State {}

  /** It will not come; the reason is one sentence. */
  public record Failed(String reason) implements State {}

  private final String id;
  private final long createdSeconds;
  private final ActorRef<GpuActor.Command> gpu;
  private final AtomicReference<State> state = new AtomicReference<>(new Loading());

  /** A model that is being loaded by {@code gpu}. */
  public ServedModel(String id, long createdSeconds, ActorRef<GpuActor.Command> gpu) {
    this.id = id;
    this.createdSeconds = createdSeconds;
    this.gpu = gpu;
  }

  /** What clients put in {@code model}. */
  public String id() {
    return id;
  }

  /** Seconds since 1970. */
  public long createdSeconds() {
    return createdSeconds;
  }

  /** Its device. */
  public ActorRef<GpuActor.Command> gpu() {
    return gpu;
  }

  /** Where it stands. */
  public State state() {
    return state.get();
  }

  /** Moves on from Loading, once. */
  public void settle(State settled) {
    state.compareAndSet(state.get() instanceof Loading loading ? loading : null, settled);
  }

  /** The ready model, or what a client is told instead. */
  Ready orThrow() {
    return switch (state()) {
      case Ready ready -> ready;
      case Loading loading ->
          throw ApiException.unavailable(
              "model_loading", "the model " + id + " is still loading, try again in a few seconds");
      case Failed failed -> throw ApiException.failed(500, "model_failed", failed.reason());
    };
  }
}
