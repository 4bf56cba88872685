package io.kvasir.transport.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.MemoryHub;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.IdleStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class RestingIdleTest {
  private long nowNs = 1;
  private final List<Long> rests = new ArrayList<>();
  private final RestingIdle idle = new RestingIdle(() -> nowNs, rests::add);

  @Test
  void shouldRestOnlyAfterAWhileWithoutWork() {
    idle.idle(0);
    nowNs += TimeUnit.MILLISECONDS.toNanos(250);
    idle.idle(0);
    assertEquals(List.of(), rests);
    nowNs++;
    idle.idle(0);
    assertEquals(List.of(2_000_000L), rests);
    idle.idle(1);
    idle.idle(0);
    nowNs += TimeUnit.MILLISECONDS.toNanos(250);
    idle.idle(0);
    assertEquals(1, rests.size(), "work makes it eager again");
  }

  @Test
  void shouldRestTheLongerTheLongerNothingHappens() {
    idle.idle(0);
    nowNs += TimeUnit.MILLISECONDS.toNanos(1280);
    idle.idle(0);
    nowNs += TimeUnit.HOURS.toNanos(1);
    idle.idle(0);
    assertEquals(List.of(10_000_000L, 50_000_000L), rests);
    idle.idle(1);
    idle.idle(0);
    nowNs += TimeUnit.MILLISECONDS.toNanos(251);
    idle.idle(0);
    assertEquals(2_000_000L, rests.getLast(), "work makes rests short again");
  }

  /** Never looks by itself. */
  private static class Asleep implements IdleStrategy {
    @Override
    public void idle(int workCount) {
      if (workCount == 0) {
        idle();
      }
    }

    @Override
    public void idle() {
      LockSupport.park();
    }

    @Override
    public void reset() {}
  }

  @Test
  void shouldWakeTheAgentForACommand() {
    try (BlockTransport transport =
        Transports.start(
            TransportConfig.of(1, 1),
            counters -> new MemoryHub().medium(),
            BlockSource.NONE,
            BlockSink.NONE,
            Transports.Options.DEFAULT.with(Asleep::new))) {
      for (int i = 0; i < 1000; i++) {
        assertNull(transport.status(2).orTimeout(50, TimeUnit.SECONDS).join());
      }
    }
  }

  @Test
  void shouldTakeAnExpectedPeerForWork() throws InterruptedException {
    CountDownLatch worked = new CountDownLatch(1);
    class Watching extends Asleep {
      @Override
      public void idle(int workCount) {
        if (workCount > 0) {
          worked.countDown();
        }
        super.idle(workCount);
      }
    }
    try (BlockTransport transport =
        Transports.start(
            TransportConfig.of(1, 1),
            counters -> new MemoryHub().medium(),
            BlockSource.NONE,
            BlockSink.NONE,
            Transports.Options.DEFAULT.with(Watching::new))) {
      transport.attend();
      assertTrue(worked.await(50, TimeUnit.SECONDS));
    }
  }

  @Test
  void shouldGoOnRestingWhenSomebodyLooksAtALink() {
    AtomicInteger worked = new AtomicInteger();
    class Watching extends Asleep {
      @Override
      public void idle(int workCount) {
        if (workCount > 0) {
          worked.incrementAndGet();
        }
        super.idle(workCount);
      }
    }
    try (BlockTransport transport =
        Transports.start(
            TransportConfig.of(1, 1),
            counters -> new MemoryHub().medium(),
            BlockSource.NONE,
            BlockSink.NONE,
            Transports.Options.DEFAULT.with(Watching::new))) {
      // Each call's cycle has ended when the next one's command runs.
      transport.status(2).orTimeout(50, TimeUnit.SECONDS).join();
      transport.status(2).orTimeout(50, TimeUnit.SECONDS).join();
      assertEquals(0, worked.get());
    }
  }
}
