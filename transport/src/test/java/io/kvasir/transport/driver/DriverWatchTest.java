package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.AgentTerminationException;
import org.agrona.concurrent.CachedNanoClock;
import org.junit.jupiter.api.Test;

final class DriverWatchTest {
  private static final long TIMEOUT_NS = 1000;
  private static final long KEEP_ALIVE_NS = 300;
  private final CachedNanoClock clock = new CachedNanoClock();
  private final List<DriverLoss.Cause> losses = new ArrayList<>();
  private long heartbeatMs = 50;
  private boolean processAlive = true;
  private int keptAlive;

  private DriverWatch watch() {
    return new DriverWatch(
        () -> heartbeatMs,
        () -> processAlive,
        () -> keptAlive++,
        KEEP_ALIVE_NS,
        TIMEOUT_NS,
        clock,
        losses::add,
        () -> {});
  }

  @Test
  void shouldReportAStallAfterTheTimeoutOnly() {
    DriverWatch watch = watch();
    clock.update(TIMEOUT_NS);
    watch.doWork();
    assertEquals(List.of(), losses);
    clock.update(TIMEOUT_NS + 1);
    assertThrows(AgentTerminationException.class, watch::doWork);
    assertEquals(List.of(DriverLoss.Cause.STALLED), losses);
  }

  @Test
  void shouldTakeAnyOtherHeartbeatForLifeWhateverTheWallClockDid() {
    DriverWatch watch = watch();
    clock.update(TIMEOUT_NS);
    heartbeatMs = 10;
    watch.doWork();
    clock.update(2 * TIMEOUT_NS);
    watch.doWork();
    assertEquals(List.of(), losses);
  }

  @Test
  void shouldTellAClosedDriverFromAKilledOne() {
    DriverWatch watch = watch();
    heartbeatMs = -1;
    assertThrows(AgentTerminationException.class, watch::doWork);
    heartbeatMs = 50;
    DriverWatch other = watch();
    processAlive = false;
    assertThrows(AgentTerminationException.class, other::doWork);
    assertEquals(List.of(DriverLoss.Cause.CLOSED, DriverLoss.Cause.PROCESS_GONE), losses);
  }

  @Test
  void shouldTellTheDriverThatItIsWanted() {
    DriverWatch watch = watch();
    for (int now = 100; now <= 1000; now += 100) {
      heartbeatMs++;
      clock.update(now);
      watch.doWork();
    }
    assertEquals(2, keptAlive);
  }
}
