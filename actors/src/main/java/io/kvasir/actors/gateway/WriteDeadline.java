package io.kvasir.actors.gateway;

import java.time.Duration;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInOutHandler;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;
import org.apache.pekko.util.ByteString;

/**
 * Fails a stream with {@link SlowReaderException} when nobody asks for more for the deadline after
 * an element. Pekko's own back-pressure time-out wakes every stream once a second; here a timer
 * runs only after an element, at most one in a deadline, so that idle streams cost nothing.
 */
final class WriteDeadline extends GraphStage<FlowShape<ByteString, ByteString>> {
  /** The client takes nothing. */
  static final class SlowReaderException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SlowReaderException(Duration deadline) {
      super(
          "the client took nothing for " + deadline.toMillis() + " ms (write-timeout)",
          null,
          false,
          false);
    }
  }

  private final Inlet<ByteString> in = Inlet.create("writeDeadline.in");
  private final Outlet<ByteString> out = Outlet.create("writeDeadline.out");
  private final FlowShape<ByteString, ByteString> shape = FlowShape.of(in, out);
  private final Duration deadline;

  WriteDeadline(Duration deadline) {
    this.deadline = deadline;
  }

  @Override
  public FlowShape<ByteString, ByteString> shape() {
    return shape;
  }

  @Override
  public TimerGraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic {
    private long pushedNs;
    private boolean waiting;
    private boolean ticking;

    Logic() {
      super(shape);
      setHandlers(
          in,
          out,
          new AbstractInOutHandler() {
            @Override
            public void onPush() {
              pushedNs = System.nanoTime();
              waiting = true;
              push(out, grab(in));
              if (!ticking) {
                ticking = true;
                scheduleOnce("deadline", deadline);
              }
            }

            @Override
            public void onPull() {
              waiting = false;
              pull(in);
            }
          });
    }

    @Override
    public void onTimer(Object key) {
      long leftNs = pushedNs + deadline.toNanos() - System.nanoTime();
      ticking = waiting && leftNs > 0;
      if (ticking) {
        scheduleOnce("deadline", Duration.ofNanos(leftNs));
      } else if (waiting) {
        failStage(new SlowReaderException(deadline));
      }
    }
  }
}
