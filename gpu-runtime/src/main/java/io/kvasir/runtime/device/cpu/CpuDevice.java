package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Event;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.PageMemory;
import io.kvasir.runtime.device.RotarySpec;
import io.kvasir.runtime.device.RotaryTable;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The CPU as a device. Every call runs to its end on the caller and its helper threads before it
 * returns, so {@link #await()} has nothing to wait for and events are born done.
 *
 * <p>Thread rule: one owning thread, any thread at a time. Helpers are daemons that park when idle.
 */
public final class CpuDevice implements Device {
  /** Changes whenever a kernel's reduction tree changes. */
  private static final String ARITHMETIC = "cpu-f32-r1";

  private static final Logger LOG = LoggerFactory.getLogger(CpuDevice.class);

  private final String name;
  private final PanelShape shape;
  private final CpuKernels kernels;

  /** Shared with other devices; null = its own. */
  private final SharedCores cores;

  private final Map<RotarySpec, CpuRotaryTable> rotaryTables = new HashMap<>();

  /** Native memory that outlives nobody; heap memory goes with its last reference. */
  private final List<CpuPages> arenas = new ArrayList<>();

  private CpuDevice(String name, PanelShape shape, CpuKernels kernels, SharedCores cores) {
    this.name = name;
    this.shape = shape;
    this.kernels = kernels;
    this.cores = cores;
  }

  /**
   * A device with vector kernels on {@code threads} threads, the caller included; scalar kernels
   * where the Vector API cannot serve, with a warning in the log.
   */
  public static CpuDevice open(int threads) {
    requireThreads(threads);
    return open(threads, () -> new VectorKernels(threads), null);
  }

  /** The same on threads that it shares with other devices, which it takes turns with. */
  public static CpuDevice open(SharedCores cores) {
    return open(cores.threads(), () -> new VectorKernels(cores), cores);
  }

  private static CpuDevice open(int threads, Supplier<CpuKernels> vectors, SharedCores cores) {
    try {
      PanelShape shape = VectorKernels.shape();
      String name = "cpu (" + threads + " threads, " + VectorKernels.vectorBits() + "-bit vectors)";
      return new CpuDevice(name, shape, vectors.get(), cores);
    } catch (LinkageError e) {
      LOG.warn(
          "No vector kernels ({}), serving with slow scalar kernels of equal results: start java"
              + " with --add-modules jdk.incubator.vector on a machine of 128-bit vectors or"
              + " wider.",
          String.valueOf(e.getCause() == null ? e.getMessage() : e.getCause().getMessage()));
      return new CpuDevice("cpu (scalar)", PanelShape.SCALAR, new ScalarKernels(), cores);
    }
  }

  /** A device with scalar kernels on the calling thread alone: slow, and bit-equal. */
  public static CpuDevice openScalar() {
    return new CpuDevice("cpu (scalar)", PanelShape.SCALAR, new ScalarKernels(), null);
  }

  static void requireThreads(int threads) {
    if (threads < 1 || threads > 1024) {
      throw new DeviceException(
          "threads=" + threads + " is outside [1, 1024], use at most the number of cores");
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String arithmetic() {
    return ARITHMETIC;
  }

  @Override
  public DeviceFloats floats(long count) {
    if (count < 0 || count > CpuFloats.MAX_COUNT) {
      throw new DeviceException(
          "floats count="
              + count
              + " is outside [0, "
              + CpuFloats.MAX_COUNT
              + "], split the buffer into several");
    }
    try {
      return new CpuFloats((int) count);
    } catch (OutOfMemoryError e) {
      throw WeightPacker.heapExhausted("a buffer of " + count + " floats", e);
    }
  }

  @Override
  public PageMemory pages(long bytes) {
    CpuPages pages = new CpuPages(bytes);
    arenas.add(pages);
    return pages;
  }

  @Override
  public Weight pack(WeightFormat format, MatrixSource... parts) {
    return WeightPacker.pack(format, shape, parts);
  }

  @Override
  public Weight packTable(WeightFormat format, MatrixSource table) {
    return WeightPacker.packTable(format, table);
  }

  @Override
  public RotaryTable rotary(RotarySpec spec) {
    return rotaryTables.computeIfAbsent(spec, CpuRotaryTable::new);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public void upload(
      float[] source, int sourceOffset, DeviceFloats target, long offset, int count) {
    float[] to = CpuFloats.require("upload target", target, offset, count);
    System.arraycopy(source, sourceOffset, to, (int) offset, count);
  }

  @Override
  public void download(
      DeviceFloats source, long offset, float[] target, int targetOffset, int count) {
    float[] from = CpuFloats.require("download source", source, offset, count);
    System.arraycopy(from, (int) offset, target, targetOffset, count);
  }

  @Override
  public void copy(
      DeviceFloats source, long sourceOffset, DeviceFloats target, long offset, long count) {
    float[] from = CpuFloats.require("copy source", source, sourceOffset, count);
    float[] to = CpuFloats.require("copy target", target, offset, count);
    System.arraycopy(from, (int) sourceOffset, to, (int) offset, (int) count);
  }

  @Override
  public void downloadPages(PageMemory source, long offsetBytes, MemorySegment target) {
    MemorySegment pages = requireBytes(source, offsetBytes, target.byteSize());
    MemorySegment.copy(pages, offsetBytes, target, 0, target.byteSize());
  }

  @Override
  public void uploadPages(MemorySegment source, PageMemory target, long offsetBytes) {
    MemorySegment pages = requireBytes(target, offsetBytes, source.byteSize());
    MemorySegment.copy(source, 0, pages, offsetBytes, source.byteSize());
  }

  @Override
  public void copyPages(PageMemory memory, long fromBytes, long toBytes, long lengthBytes) {
    MemorySegment pages = requireBytes(memory, fromBytes, lengthBytes);
    requireBytes(memory, toBytes, lengthBytes);
    MemorySegment.copy(pages, fromBytes, pages, toBytes, lengthBytes);
  }

  @Override
  public void checksumPages(
      PageMemory memory,
      long offsetBytes,
      long lengthBytes,
      int count,
      int[] target,
      int targetOffset) {
    requireBytes(memory, offsetBytes, lengthBytes * count);
    PageChecksums checksums = ((CpuPages) memory).checksums();
    for (int i = 0; i < count; i++) {
      target[targetOffset + i] = checksums.of(offsetBytes + i * lengthBytes, lengthBytes);
    }
  }

  private static MemorySegment requireBytes(PageMemory memory, long offset, long length) {
    MemorySegment pages = CpuPages.require(memory);
    if (offset < 0 || length < 0 || offset + length > pages.byteSize()) {
      throw new DeviceException(
          "page range ["
              + offset
              + ", "
              + (offset + length)
              + ") exceeds the arena's bytes="
              + pages.byteSize()
              + ", copy only pages of this arena");
    }
    return pages;
  }

  @Override
  public void beginTurn() {
    if (cores != null) {
      cores.beginTurn();
    }
  }

  @Override
  public void yieldTurn() {
    if (cores != null) {
      cores.yieldTurn();
    }
  }

  @Override
  public void endTurn() {
    if (cores != null) {
      cores.endTurn();
    }
  }

  @Override
  public Event record() {
    return Event.DONE;
  }

  @Override
  public void await() {}

  @Override
  public void close() {
    kernels.close();
    arenas.forEach(CpuPages::close);
  }
}
