package io.kvasir.actors.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.settings.ConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CheckpointSourceTest {
  private static final long GIB = 1L << 30;

  @Test
  void shouldRefuseAnArenaLargerThanMemory() {
    String message =
        assertThrows(
                ConfigurationException.class,
                () -> CheckpointSource.arenaBytes(9 * GIB, 1, 8 * GIB, 1))
            .getMessage();
    assertEquals(
        "kvasir.runtime.engine.arena=9663676416 bytes is larger than this machine's memory of"
            + " 8589934592 bytes; lower it, or set 0 to let Kvasir choose",
        message);
  }

  @Test
  void shouldChooseAnArenaFromContextAndMemory() {
    assertEquals(64L << 20, CheckpointSource.arenaBytes(0, 1000, 8 * GIB, 1));
    assertEquals(16 * (10L << 20), CheckpointSource.arenaBytes(0, 10L << 20, 8 * GIB, 1));
    assertEquals(2 * GIB, CheckpointSource.arenaBytes(0, GIB, 8 * GIB, 1));
    assertEquals(GIB / 2, CheckpointSource.arenaBytes(0, GIB, 8 * GIB, 4));
    assertEquals(123, CheckpointSource.arenaBytes(123, GIB, 8 * GIB, 1));
  }

  @Test
  void shouldReadTheMachinesMemory() {
    assertEquals(
        4096,
        MachineMemory.memInfoBytes(List.of("Foo: 1 kB", "MemTotal:       4 kB", "Bar: 2 kB")));
    assertTrue(MachineMemory.totalBytes() > 64L << 20);
  }

  @Test
  void shouldTakeTheContainersLimitWhereItIsLessThanTheMachine(@TempDir Path dir)
      throws IOException {
    Path none = Files.writeString(dir.resolve("memory.max"), "max\n");
    Path huge = Files.writeString(dir.resolve("huge"), "9223372036854771712\n");
    Path small = Files.writeString(dir.resolve("small"), "1048576\n");
    Path absent = dir.resolve("absent");
    assertEquals(GIB, MachineMemory.limitedBytes(GIB, List.of(none, huge, absent)));
    assertEquals(1 << 20, MachineMemory.limitedBytes(GIB, List.of(absent, small)));
  }
}
