package io.kvasir.runtime.device;

import io.kvasir.runtime.device.cpu.CpuDevice;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A second device that behaves like a remote accelerator: its memory is reachable only by copy, one
 * thread of its own executes calls in order and later, and a downloaded array is full of NaN until
 * the copy has run. Arithmetic is that of the scalar twins, so results equal the CPU device's bits.
 *
 * <p>Arguments are copied when a call is enqueued. Buffers, pages and weights of other devices are
 * refused. Segments handed to page copies must be reachable from any thread (heap, shared or
 * automatic arena). Thread rule: one owning thread, as for every device.
 */
public final class AsyncScalarDevice implements Device {
  private final Device memory = CpuDevice.openScalar();
  private final LinkedBlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
  private final Thread executor;
  private volatile long completed;
  private volatile Throwable failure;
  private long enqueued;
  private boolean closed;

  public AsyncScalarDevice() {
    executor = Thread.ofPlatform().daemon().name("async-scalar-device").start(this::execute);
  }

  private void execute() {
    try {
      while (true) {
        queue.take().run();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void enqueue(Runnable call) {
    if (closed) {
      throw new DeviceException("device is closed, open another one");
    }
    enqueued++;
    queue.add(
        () -> {
          try {
            if (failure == null) {
              call.run();
            }
          } catch (RuntimeException | Error e) {
            failure = e;
          } finally {
            complete();
          }
        });
  }

  private synchronized void complete() {
    completed++;
    notifyAll();
  }

  @Override
  public String name() {
    return "async scalar (test)";
  }

  @Override
  public String arithmetic() {
    return memory.arithmetic();
  }

  @Override
  public DeviceFloats floats(long count) {
    return new Floats(memory.floats(count));
  }

  @Override
  public PageMemory pages(long bytes) {
    return new Pages(memory.pages(bytes));
  }

  @Override
  public Weight pack(WeightFormat format, MatrixSource... parts) {
    return new Packed(memory.pack(format, parts));
  }

  @Override
  public Weight packTable(WeightFormat format, MatrixSource table) {
    return new Packed(memory.packTable(format, table));
  }

  @Override
  public RotaryTable rotary(RotarySpec spec) {
    return new Rotary(memory.rotary(spec));
  }

  @Override
  public Kernels kernels() {
    return new AsyncScalarKernels(this, memory.kernels());
  }

  @Override
  public void upload(
      float[] source, int sourceOffset, DeviceFloats target, long offset, int count) {
    float[] copy = Arrays.copyOfRange(source, sourceOffset, sourceOffset + count);
    DeviceFloats to = floats(target);
    enqueue(() -> memory.upload(copy, 0, to, offset, count));
  }

  @Override
  public void download(
      DeviceFloats source, long offset, float[] target, int targetOffset, int count) {
    Arrays.fill(target, targetOffset, targetOffset + count, Float.NaN);
    DeviceFloats from = floats(source);
    enqueue(() -> memory.download(from, offset, target, targetOffset, count));
  }

  @Override
  public void copy(
      DeviceFloats source, long sourceOffset, DeviceFloats target, long offset, long count) {
    DeviceFloats from = floats(source);
    DeviceFloats to = floats(target);
    enqueue(() -> memory.copy(from, sourceOffset, to, offset, count));
  }

  @Override
  public void downloadPages(PageMemory source, long offsetBytes, MemorySegment target) {
    PageMemory from = pages(source);
    target.fill((byte) 0xff);
    enqueue(() -> memory.downloadPages(from, offsetBytes, target));
  }

  @Override
  public void uploadPages(MemorySegment source, PageMemory target, long offsetBytes) {
    PageMemory to = pages(target);
    enqueue(() -> memory.uploadPages(source, to, offsetBytes));
  }

  @Override
  public void copyPages(PageMemory pages, long fromBytes, long toBytes, long lengthBytes) {
    PageMemory own = pages(pages);
    enqueue(() -> memory.copyPages(own, fromBytes, toBytes, lengthBytes));
  }

  @Override
  public Event record() {
    long mark = enqueued;
    return () -> completed >= mark;
  }

  @Override
  public void await() {
    synchronized (this) {
      while (completed < enqueued) {
        try {
          wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new DeviceException("interrupted while waiting for the device, call await() again");
        }
      }
    }
    Throwable cause = failure;
    if (cause != null) {
      failure = null;
      if (cause instanceof DeviceException known) {
        throw known;
      }
      throw new DeviceException("a kernel failed: " + cause.getMessage(), cause);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      executor.interrupt();
      memory.close();
    }
  }

  static DeviceFloats floats(DeviceFloats floats) {
    return floats == null ? null : own(Floats.class, floats).inner;
  }

  static PageMemory pages(PageMemory pages) {
    return own(Pages.class, pages).inner;
  }

  static Weight weight(Weight weight) {
    return own(Packed.class, weight).inner;
  }

  static RotaryTable rotary(RotaryTable table) {
    return table == null ? null : own(Rotary.class, table).inner;
  }

  private static <T> T own(Class<T> type, Object thing) {
    if (!type.isInstance(thing)) {
      throw new DeviceException(thing + " is not of this device, allocate it with this device");
    }
    return type.cast(thing);
  }

  /** Statistics of {@code all} whose targets are this device's own memory. */
  static AttentionStatistic[] statistics(AttentionStatistic[] all) {
    if (all == null) {
      return null;
    }
    List<AttentionStatistic> own = new ArrayList<>();
    for (AttentionStatistic s : all) {
      own.add(
          new AttentionStatistic(
              s.segment(),
              s.rows().clone(),
              s.entryFrom(),
              s.entryTo(),
              s.reduction(),
              s.headGroup(),
              floats(s.target()),
              s.targetOffset()));
    }
    return own.toArray(AttentionStatistic[]::new);
  }

  /** Freed by the queue, so that calls enqueued before still find it. */
  private final class Floats implements DeviceFloats {
    private final DeviceFloats inner;

    Floats(DeviceFloats inner) {
      this.inner = inner;
    }

    @Override
    public long count() {
      return inner.count();
    }

    @Override
    public void close() {
      if (!closed) {
        enqueue(inner::close);
      }
    }
  }

  private final class Pages implements PageMemory {
    private final PageMemory inner;

    Pages(PageMemory inner) {
      this.inner = inner;
    }

    @Override
    public long bytes() {
      return inner.bytes();
    }

    @Override
    public void close() {
      if (!closed) {
        enqueue(inner::close);
      }
    }
  }

  private record Rotary(RotaryTable inner) implements RotaryTable {
    @Override
    public RotarySpec spec() {
      return inner.spec();
    }
  }

  private final class Packed implements Weight {
    private final Weight inner;

    Packed(Weight inner) {
      this.inner = inner;
    }

    @Override
    public WeightFormat format() {
      return inner.format();
    }

    @Override
    public int inWidth() {
      return inner.inWidth();
    }

    @Override
    public int outWidth() {
      return inner.outWidth();
    }

    @Override
    public int partCount() {
      return inner.partCount();
    }

    @Override
    public int partWidth(int part) {
      return inner.partWidth(part);
    }

    @Override
    public long bytes() {
      return inner.bytes();
    }

    @Override
    public void close() {
      if (!closed) {
        enqueue(inner::close);
      }
    }
  }
}
