package io.kvasir.runtime.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several devices on one team. */
@Timeout(60)
final class SharedCoresTest {
  @Test
  void shouldLetWhoWaitsInWhenATurnHasLasted() throws Exception {
    SharedCores cores = new SharedCores(2);
    AtomicBoolean other = new AtomicBoolean();
    cores.beginTurn();
    Thread waiting =
        Thread.ofPlatform()
            .start(
                () -> {
                  cores.beginTurn();
                  other.set(true);
                  cores.endTurn();
                });
    // Ends only when a yield let the other thread have the whole of its turn.
    while (!other.get()) {
      cores.yieldTurn();
    }
    cores.endTurn();
    waiting.join();
  }

  @Test
  void shouldNeverLetTwoTurnsOverlap() throws Exception {
    SharedCores cores = new SharedCores(1);
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Thread[] devices = new Thread[4];
    for (int d = 0; d < devices.length; d++) {
      devices[d] =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 2_000; i++) {
                      cores.beginTurn();
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      inside.decrementAndGet();
                      cores.yieldTurn();
                      cores.endTurn();
                    }
                  });
    }
    for (Thread device : devices) {
      device.join();
    }
    assertEquals(1, most.get());
  }

  @Test
  void shouldKeepTheTeamWhileADeviceHasIt() {
    SharedCores cores = new SharedCores(2);
    CpuDevice first = CpuDevice.open(cores);
    CpuDevice second = CpuDevice.open(cores);
    WorkerTeam team = cores.join();
    first.close();
    first.close();
    assertSame(team, cores.join(), "closing twice counts once");
    second.close();
    cores.leave();
    cores.leave();
    WorkerTeam next = cores.join();
    assertNotSame(team, next);
    assertTrue(next.threads() == 2);
    cores.leave();
  }
}
