package io.kvasir.runtime.device.cpu.bench;

import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.PageMemory;

/** One layer's attention of bench-150m: 16 heads of 64, 4 KV heads, pages of 32 tokens. */
final class BenchAttention implements AutoCloseable {
  private static final int HEADS = 16;
  private static final int KV_HEADS = 4;
  private static final int WIDTH = 64;
  private static final int SLOTS = 32;

  private final Device device;
  private final AttentionPlan plan = new AttentionPlan();
  private final PageMemory memory;
  private final DeviceFloats q;
  private final DeviceFloats out;
  private final int rows;
  private final int entries;
  private final int sequences;

  /** {@code rows} last rows of {@code entries} tokens, shared evenly by {@code sequences}. */
  BenchAttention(Device device, PageEncoding encoding, int sequences, int rows, int entries) {
    this.device = device;
    this.rows = rows;
    this.entries = entries;
    this.sequences = sequences;
    FrameLayout layout = new FrameLayout(encoding, SLOTS, WIDTH, WIDTH, true);
    long pageBytes = KV_HEADS * layout.frameBytes();
    int pages = (entries + SLOTS - 1) / SLOTS;
    memory = device.pages(sequences * pages * pageBytes);
    q = device.floats((long) rows * HEADS * WIDTH);
    out = device.floats((long) rows * HEADS * WIDTH);
    float[] values = new float[rows * HEADS * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 23 - 11) * 0.05f;
    }
    device.upload(values, 0, q, 0, values.length);
    plan.headCount = HEADS;
    plan.kvHeadCount = KV_HEADS;
    plan.layout = layout;
    plan.scale = 0.125f;
    plan.memory = memory;
    plan.rowCount = rows;
    plan.segmentCount = sequences;
    plan.ensure(rows, sequences, 1);
    int each = rows / sequences;
    for (int s = 0; s < sequences; s++) {
      KvView view = view(s, pages, pageBytes, layout);
      plan.segmentView[s] = view;
      plan.segmentFirstRow[s] = s * each;
      plan.segmentRowCount[s] = each;
      for (int r = 0; r < each; r++) {
        plan.rowIndex[s * each + r] = entries - each + r;
        plan.rowSelfEntry[s * each + r] = entries - each + r;
      }
      write(view, layout);
    }
  }

  private static KvView view(int sequence, int pages, long pageBytes, FrameLayout layout) {
    KvView view = new KvView();
    view.frames = new long[pages];
    for (int p = 0; p < pages; p++) {
      view.frames[p] = ((long) sequence * pages + p) * pageBytes;
    }
    view.headOffsetBytes = layout.frameBytes();
    view.entryCounts = new int[KV_HEADS];
    return view;
  }

  private void write(KvView view, FrameLayout layout) {
    java.util.Arrays.fill(view.entryCounts, entries);
    KvWritePlan write = new KvWritePlan();
    write.layout = layout;
    write.kvHeadCount = KV_HEADS;
    write.memory = memory;
    write.ensure(entries, KV_HEADS, 1);
    write.count = entries;
    for (int e = 0; e < entries; e++) {
      write.row[e] = e % 7;
      for (int h = 0; h < KV_HEADS; h++) {
        write.frame[e * KV_HEADS + h] = view.frameAddress(h, e / SLOTS);
        write.slot[e * KV_HEADS + h] = e % SLOTS;
      }
    }
    DeviceFloats source = device.floats(7L * KV_HEADS * WIDTH);
    float[] values = new float[7 * KV_HEADS * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 29 - 14) * 0.03f;
    }
    device.upload(values, 0, source, 0, values.length);
    device.kernels().writeKv(write, source, 0, source, 0, KV_HEADS * WIDTH);
  }

  void run() {
    device.kernels().attend(plan, q, 0, HEADS * WIDTH, out, 0, HEADS * WIDTH);
  }

  /** Multiplications and additions of both products over what rows see. */
  double flops() {
    int each = rows / sequences;
    double seen = (double) rows * (entries - (each - 1) / 2.0);
    return 4.0 * seen * HEADS * WIDTH;
  }

  double bytes() {
    return 2.0 * sequences * entries * KV_HEADS * WIDTH * plan.layout.encoding().bytesPerValue();
  }

  @Override
  public void close() {
    memory.close();
    q.close();
    out.close();
  }
}
