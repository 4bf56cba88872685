package io.kvasir.runtime.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.DeviceException;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void shouldRunEveryUnitOnce(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int round = 0; round < 2_000; round++) {
        int units = round % 37;
        AtomicIntegerArray seen = new AtomicIntegerArray(units);
        team.run(
            (worker, from, to) -> {
              for (int i = from; i < to; i++) {
                seen.incrementAndGet(i);
              }
            },
            units,
            1 + round % 3);
        for (int i = 0; i < units; i++) {
          assertEquals(1, seen.get(i), "unit " + i + " of round " + round);
        }
      }
    }
  }

  @Test
  void shouldBringAFailureToTheCallerAndGoOn() {
    try (WorkerTeam team = new WorkerTeam(3)) {
      for (int round = 0; round < 200; round++) {
        int bad = round % 16;
        DeviceException failure = new DeviceException("unit " + bad);
        DeviceException thrown =
            assertThrows(
                DeviceException.class,
                () ->
                    team.run(
                        (worker, from, to) -> {
                          if (from == bad) {
                            throw failure;
                          }
                        },
                        16,
                        1));
        assertSame(failure, thrown);
      }
      int[] ran = new int[1];
      team.run((worker, from, to) -> ran[0] += to - from, 1, 1);
      assertEquals(1, ran[0]);
    }
  }

  @Test
  void shouldParkWhenIdle() {
    try (WorkerTeam team = new WorkerTeam(2)) {
      team.run((worker, from, to) -> {}, 8, 1);
      long deadline = System.nanoTime() + 20_000_000_000L;
      while (!team.idle() && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      assertTrue(team.idle(), "helpers still awake after 20 s");
    }
  }
}
