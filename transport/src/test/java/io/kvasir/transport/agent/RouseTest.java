package io.kvasir.transport.agent;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.MemoryHub;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.IdleStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An agent that rests is awake as soon as somebody says that a peer is about to ask. */
@Timeout(60)
final class RouseTest {
  /** Rests for far longer than the test takes. */
  private static final class DeepRest implements IdleStrategy {
    private final CountDownLatch resting = new CountDownLatch(1);
    private final CountDownLatch worked = new CountDownLatch(1);

    @Override
    public void idle(int workCount) {
      if (workCount > 0) {
        worked.countDown();
      } else {
        idle();
      }
    }

    @Override
    public void idle() {
      resting.countDown();
      LockSupport.parkNanos(TimeUnit.MINUTES.toNanos(10));
    }

    @Override
    public void reset() {}

    @Override
    public String alias() {
      return "deep-rest";
    }
  }

  @Test
  void shouldWakeARestingAgentAndCountAsWork() throws InterruptedException {
    DeepRest rest = new DeepRest();
    MemoryHub hub = new MemoryHub();
    Transports.Options options =
        new Transports.Options(
            Transports.Encryption.NEVER,
            () -> rest,
            Transports.Options.DEFAULT.clock(),
            Transports.Options.DEFAULT.errors());
    try (BlockTransport transport =
        Transports.start(
            TransportConfig.of(1, 1),
            counters -> hub.medium(),
            BlockSource.NONE,
            BlockSink.NONE,
            options)) {
      assertTrue(rest.resting.await(30, TimeUnit.SECONDS));
      transport.rouse();
      assertTrue(rest.worked.await(30, TimeUnit.SECONDS));
    }
  }
}
