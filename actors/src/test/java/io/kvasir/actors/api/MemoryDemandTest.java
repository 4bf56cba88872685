package io.kvasir.actors.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whether the models of a node fit its machine. */
final class MemoryDemandTest {
  private static final long MIB = 1 << 20;

  @Test
  void shouldTakeWhatJustFits() {
    List<MemoryDemand> demands =
        List.of(new MemoryDemand(100 * MIB, 50 * MIB), new MemoryDemand(200 * MIB, 30 * MIB));
    MemoryDemand.check(List.of("a", "b"), demands, 764 * MIB);
    ConfigurationException refused =
        assertThrows(
            ConfigurationException.class,
            () -> MemoryDemand.check(List.of("a", "b"), demands, 764 * MIB - 1));
    assertEquals(
        "weights of 300 MiB, KV arenas of 80 MiB and 384 MiB for the node make 764 MiB, this"
            + " machine has 763 MiB (weights + arena: a 100 MiB + 50 MiB; b 200 MiB + 30 MiB);"
            + " lower kvasir.runtime.engine.arena, quantise with weights=int8 or int4, or serve"
            + " fewer models",
        refused.getMessage());
  }

  @Test
  void shouldCountNothingForSourcesThatSayNothing() {
    MemoryDemand.check(List.of("a"), List.of(MemoryDemand.NONE), MIB);
  }

  @Test
  void shouldEstimateFromTheCheckpointAndNotMindOneThatIsMissing() {
    KvasirSettings settings =
        KvasirSettings.from(
            ConfigFactory.parseString(
                    "kvasir.runtime { engine.arena = 5 MiB, models = [{ model ="
                        + " \"dummy:bench-150m\", weights = int8 }, { model = /no/such } ] }")
                .withFallback(ConfigFactory.load()));
    List<MemoryDemand> demands =
        CheckpointSource.all(settings).stream().map(CheckpointSource::memory).toList();
    assertEquals(152e6 * 1.125, demands.getFirst().weightBytes(), 5e6);
    assertEquals(5 * MIB, demands.getFirst().arenaBytes());
    assertEquals(MemoryDemand.NONE, demands.getLast());
    assertTrue(MachineMemory.totalBytes() > 0);
  }
}
