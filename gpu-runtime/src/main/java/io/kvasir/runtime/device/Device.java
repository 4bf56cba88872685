package io.kvasir.runtime.device;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * One accelerator: its memory, its packed weights and an in-order queue of kernels.
 *
 * <p>Kernels and copies are enqueued in call order and may complete later; a host reads a result
 * only by {@link #download} followed by {@link #await()} or by an {@link Event}. Every index array
 * and plan handed to a call is copied, or fully used, before the call returns, so callers may reuse
 * it at once.
 *
 * <p>Thread rule: one owning thread. Failure: a kernel that cannot run throws {@link
 * DeviceException} at the call or at the next {@link #await()}.
 */
public interface Device extends AutoCloseable {
  /** Human name with the facts that matter, such as {@code cpu (2 threads, 256-bit)}. */
  String name();

  /**
   * What fixes the bits of every result: device family and kernel revision. Never depends on thread
   * count, vector width or JIT state. Part of every block key's domain.
   */
  String arithmetic();

  /** Allocates {@code count} f32 values, zeroed. */
  DeviceFloats floats(long count);

  /** Allocates the arena's memory, at least 64-byte aligned, contents undefined. */
  PageMemory pages(long bytes);

  /**
   * Packs a linear layer. Parts are stacked along the output ({@code q, k, v}); every part keeps
   * its own padding, so that {@link Kernels#linear} can run any contiguous range of parts.
   *
   * @param parts row-major [out, in] matrices, all with the same {@code columns()}
   */
  Weight pack(WeightFormat format, MatrixSource... parts);

  /** Stores an embedding table row-major [rows, width] in {@code format} (F32, BF16 or F16). */
  Weight packTable(WeightFormat format, MatrixSource table);

  /** The rotary table of {@code spec}; grows on its own to the largest position used. */
  RotaryTable rotary(RotarySpec spec);

  /** The kernels of this device. */
  Kernels kernels();

  void upload(float[] source, int sourceOffset, DeviceFloats target, long offset, int count);

  /** Enqueues a copy; {@code target} holds the values after a later {@link #await()}. */
  void download(DeviceFloats source, long offset, float[] target, int targetOffset, int count);

  /** Enqueues a device-to-device copy of f32 values; ranges must not overlap. */
  void copy(DeviceFloats source, long sourceOffset, DeviceFloats target, long offset, long count);

  /** Enqueues a copy of page bytes into native or heap memory. */
  void downloadPages(PageMemory source, long offsetBytes, MemorySegment target);

  /** Enqueues a copy of bytes into page memory. The source must stay unchanged until completion. */
  void uploadPages(MemorySegment source, PageMemory target, long offsetBytes);

  /** Enqueues a copy inside page memory; ranges must not overlap. */
  void copyPages(PageMemory memory, long fromBytes, long toBytes, long lengthBytes);

  /**
   * CRC32C of each of {@code count} consecutive ranges of page memory, as it is once everything
   * enqueued so far is done; waits for that. Devices that can reach their pages override the copy.
   */
  default void checksumPages(
      PageMemory memory,
      long offsetBytes,
      long lengthBytes,
      int count,
      int[] target,
      int targetOffset) {
    int each = Math.toIntExact(lengthBytes);
    byte[] copy = new byte[Math.multiplyExact(each, count)];
    downloadPages(memory, offsetBytes, MemorySegment.ofArray(copy));
    await();
    CRC32C crc = new CRC32C();
    for (int i = 0; i < count; i++) {
      crc.reset();
      crc.update(copy, i * each, each);
      target[targetOffset + i] = (int) crc.getValue();
    }
  }

  /**
   * Begins a bounded piece of work. Where several devices share the same cores this waits until the
   * others have ended theirs, first come, first served; elsewhere it does nothing.
   */
  default void beginTurn() {}

  /**
   * Lets waiting devices go first when this turn has lasted; called inside a turn, where nothing is
   * under way.
   */
  default void yieldTurn() {}

  /** Ends what {@link #beginTurn} began, on the same thread. */
  default void endTurn() {}

  /** An event that is done once everything enqueued so far is done. */
  Event record();

  /** Waits until everything enqueued is done; rethrows a kernel's failure. */
  void await();

  /** Releases all memory of this device; buffers must not be used afterwards. */
  @Override
  void close();
}
