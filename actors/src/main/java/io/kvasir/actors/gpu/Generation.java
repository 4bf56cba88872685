package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.TokenStream;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.stream.javadsl.Source;

/**
 * One request that a device has taken: its tokens as a stream, and the means to end it. Safe from
 * any thread. Whoever receives it runs {@link #events()} once, or the actor cancels it after the
 * attach deadline.
 */
public final class Generation {
  private final long id;
  private final ActorRef<GpuActor.Command> gpu;
  private final TokenStream stream;
  private final AtomicBoolean taken = new AtomicBoolean();
  private volatile Runnable listener;

  Generation(long id, ActorRef<GpuActor.Command> gpu, int maxTokens) {
    this.id = id;
    this.gpu = gpu;
    this.stream = new TokenStream(maxTokens, 0, this::wake);
  }

  /** Unique among the requests of one actor. */
  public long id() {
    return id;
  }

  /**
   * The tokens; may be run once. It buffers nothing beyond the token array that the request's
   * max_tokens bounds; cancelling it ends the request in the engine.
   */
  public Source<GenerationEvent, NotUsed> events() {
    return Source.fromGraph(new GenerationSource(this));
  }

  /** Ends the request; its stream then finishes with CANCELLED. Does nothing after the end. */
  public void cancel() {
    gpu.tell(new GpuActor.Cancel(id));
  }

  TokenStream stream() {
    return stream;
  }

  /** Takes the stream for one consumer, whose {@code wakeup} runs on the engine thread. */
  void attach(Runnable wakeup) {
    if (!taken.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "events() of generation id=" + id + " ran twice, run it once and broadcast from there");
    }
    listener = wakeup;
  }

  boolean isTaken() {
    return taken.get();
  }

  private void wake() {
    Runnable current = listener;
    if (current != null) {
      current.run();
    }
  }
}
