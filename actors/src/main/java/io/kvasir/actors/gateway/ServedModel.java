package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.DeviceModel;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.Pooling;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * A model that the gateway offers: known by name at once, answering when text and engine are ready.
 * Safe from any thread.
 */
public final class ServedModel implements DeviceModel {
  /** Where it stands. */
  public sealed interface State {}

  /** Not yet. */
  public record Loading() implements State {}

  /**
   * Requests can be made.
   *
   * @param hiddenSize values of an embedding
   */
  public record Ready(ModelText text, int maxContextTokens, int hiddenSize) implements State {}

  /** It will not come; the reason is one sentence. */
  public record Failed(String reason) implements State {}

  private final String id;
  private final List<String> aliases;
  private final Pooling pooling;
  private final long createdSeconds;
  private final ActorRef<GpuActor.Command> gpu;
  private volatile boolean computed = true;
  private final AtomicReference<State> state = new AtomicReference<>(new Loading());

  /**
   * A model that is being loaded by {@code gpu}.
   *
   * @param gpu null where this node has only its text and other nodes compute
   * @param pooling how its embeddings are made
   */
  public ServedModel(
      String id,
      List<String> aliases,
      Pooling pooling,
      long createdSeconds,
      ActorRef<GpuActor.Command> gpu) {
    this.id = id;
    this.aliases = List.copyOf(aliases);
    this.pooling = pooling;
    this.createdSeconds = createdSeconds;
    this.gpu = gpu;
  }

  /** What clients put in {@code model}. */
  public String id() {
    return id;
  }

  /** The id and all aliases. */
  List<String> names() {
    List<String> names = new ArrayList<>(aliases);
    names.addFirst(id);
    return names;
  }

  /** How its embeddings are made. */
  Pooling pooling() {
    return pooling;
  }

  /** Seconds since 1970. */
  public long createdSeconds() {
    return createdSeconds;
  }

  @Override
  public ActorRef<GpuActor.Command> gpu() {
    return gpu;
  }

  @Override
  public LogitAdjuster mask(GrammarSpec grammar) {
    if (state() instanceof Ready ready) {
      return ready.text().mask(grammar);
    }
    throw new OrderRefusedException(
        OrderRefusedException.Code.LOADING,
        "the model " + id + " is still loading, try again in a few seconds");
  }

  /** Where it stands. */
  public State state() {
    return state.get();
  }

  /** Whether a reachable node computes it now, where this one does not. */
  public void computedElsewhere(boolean now) {
    computed = now;
  }

  /** Whether anybody computes it, as far as is known. */
  boolean computed() {
    return computed;
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
