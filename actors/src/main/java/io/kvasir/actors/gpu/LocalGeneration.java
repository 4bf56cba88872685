package io.kvasir.actors.gpu;

import org.apache.pekko.actor.typed.ActorRef;

/** An order that a device of this node has taken. Safe from any thread. */
public final class LocalGeneration extends StreamedGeneration {
  private final long id;
  private final ActorRef<GpuActor.Command> gpu;
  private final Serving serving;

  LocalGeneration(
      long id,
      ActorRef<GpuActor.Command> gpu,
      GpuActor.Generate order,
      int vocabSize,
      String fingerprint,
      StepReaders readers) {
    super(order.order(), vocabSize, fingerprint, readers);
    this.id = id;
    this.gpu = gpu;
    this.serving = order.serving();
  }

  /** Unique among the orders of one actor. */
  public long id() {
    return id;
  }

  @Override
  public Serving serving() {
    return serving;
  }

  @Override
  public void cancel() {
    gpu.tell(new GpuActor.Cancel(id));
  }

  @Override
  public void cancel(int choice) {
    gpu.tell(new GpuActor.CancelChoice(id, choice));
  }
}
