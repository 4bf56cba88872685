package io.kvasir.runtime.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

final class HostMemoryTest {
  @Test
  void shouldGiveZerosOnTheBorderOfAHugePage() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = Devices.hostMemory(arena, 3 << 20);
      assertEquals(3 << 20, memory.byteSize());
      assertEquals(0, memory.address() % (2 << 20));
      assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, memory.byteSize() - 1));
    }
  }

  @Test
  void shouldRefuseMoreThanTheMachineHasFree() {
    try (Arena arena = Arena.ofShared()) {
      OutOfMemoryError refused =
          assertThrows(OutOfMemoryError.class, () -> Devices.hostMemory(arena, 1L << 50));
      assertTrue(refused.getMessage().contains("are free"), refused.getMessage());
    }
  }
}
