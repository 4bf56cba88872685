package io.kvasir.runtime.device;

import io.kvasir.runtime.device.cpu.CpuDevice;
import io.kvasir.runtime.device.cpu.HugeMemory;
import io.kvasir.runtime.device.cpu.SharedCores;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/** Where devices come from. */
public final class Devices {
  private Devices() {}

  /**
   * The CPU with {@code threads} threads, the calling one included.
   *
   * @throws DeviceException if {@code threads} is not in [1, 1024]
   */
  public static Device cpu(int threads) {
    return CpuDevice.open(threads);
  }

  /**
   * Devices that share the CPU's {@code threads} threads, the calling one included: one for each
   * model of a node. A step of one runs on all threads while steps of the others wait for their
   * turn, first come, first served; so no thread waits for another one that the system has put
   * aside. A long step lets the others in between two layers.
   *
   * @return opens one device a call, from any thread
   * @throws DeviceException if {@code threads} is not in [1, 1024]
   */
  public static Supplier<Device> sharedCpu(int threads) {
    SharedCores cores = new SharedCores(threads);
    return () -> CpuDevice.open(cores);
  }

  /**
   * Memory of this host for blocks, filled with zeros and so taken from the system at once, on huge
   * pages where the kernel grants them.
   *
   * @param arena owns it
   * @throws OutOfMemoryError if the machine has less free
   */
  public static MemorySegment hostMemory(Arena arena, long bytes) {
    return HugeMemory.allocateWhole(arena, bytes);
  }
}
