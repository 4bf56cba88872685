package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.gpu.StreamedGeneration;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * An order that some node of the cluster computes, or several one after another. The desk writes
 * its streams.
 */
final class RoutedGeneration extends StreamedGeneration {
  private final long requestId;
  private final ActorRef<DeskCommand> desk;
  private volatile Serving serving = Serving.HERE;

  RoutedGeneration(
      long requestId,
      ActorRef<DeskCommand> desk,
      GenerationOrder order,
      int vocabSize,
      String fingerprint) {
    super(order, vocabSize, fingerprint);
    this.requestId = requestId;
    this.desk = desk;
  }

  @Override
  public Serving serving() {
    return serving;
  }

  /** The desk, before the last choice's end is told. */
  void served(Serving how) {
    serving = how;
  }

  @Override
  public void cancel() {
    desk.tell(new GenerationDesk.CancelOrder(requestId));
  }

  @Override
  public void cancel(int choice) {
    desk.tell(new GenerationDesk.CancelOrderChoice(requestId, choice));
  }
}
