package io.kvasir.runtime.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A random attention problem: sequences with cached entries and query rows, every form of mask,
 * statistics. What it means does not depend on the page size nor on how rows are batched, so tests
 * vary both and compare bits. Memory that nothing may touch is filled with NaN.
 */
final class AttentionCase {
  private static final int PAIRS = 3;

  final int heads;
  final int kvHeads;
  final int keyWidth;
  final int valueWidth;
  final int sequences;
  final int[] entries;
  final int[] rows;
  final boolean raw;
  final boolean gaps;
  final boolean byEntry;
  final boolean logWeights;
  final boolean ranges;
  final boolean bits;
  final boolean rotates;
  final int window;
  final PageEncoding encoding;
  private final long seed;

  /** Changed by tests; results must not. */
  int slots = 32;

  boolean splitBatches;

  AttentionCase(long seed, boolean small) {
    this(seed, small, false);
  }

  /** One or two rows with four heads to a KV head, whole vectors of values, bf16. */
  static AttentionCase decoding(long seed) {
    return new AttentionCase(seed, false, true);
  }

  private AttentionCase(long seed, boolean small, boolean decoding) {
    this.seed = seed;
    SplittableRandom random = new SplittableRandom(seed);
    kvHeads = 1 + random.nextInt(3);
    heads = kvHeads * (decoding ? 4 : 1 + random.nextInt(4));
    keyWidth = 2 * (PAIRS + random.nextInt(small ? 6 : 40));
    valueWidth = decoding ? 64 + 32 * random.nextInt(2) : 2 * (1 + random.nextInt(small ? 10 : 50));
    sequences = 1 + random.nextInt(small ? 2 : 4);
    entries = new int[sequences];
    rows = new int[sequences];
    for (int s = 0; s < sequences; s++) {
      entries[s] = 1 + random.nextInt(small ? 60 : random.nextInt(4) == 0 ? 400 : 90);
      rows[s] = 1 + random.nextInt(Math.min(entries[s], decoding ? 2 : small ? 4 : 30));
    }
    raw = random.nextInt(4) == 0;
    gaps = random.nextInt(3) == 0;
    byEntry = random.nextInt(4) == 0;
    logWeights = random.nextInt(4) == 0;
    ranges = random.nextInt(4) == 0;
    bits = random.nextInt(4) == 0;
    rotates = raw || random.nextBoolean();
    window = random.nextInt(4) == 0 ? 1 + random.nextInt(40) : 0;
    encoding = decoding || !random.nextBoolean() ? PageEncoding.BF16 : PageEncoding.F32;
  }

  /** Outputs of all rows, then all statistics. */
  float[] run(Device device) {
    return new Run(device, Arena.ofAuto()).results();
  }

  /** Entry count and sequence count by head differ where heads have their own lists. */
  private int count(int sequence, int head) {
    return byEntry ? Math.max(1, entries[sequence] - 3 * head) : entries[sequence];
  }

  private final class Run {
    final Device device;
    final SplittableRandom random = new SplittableRandom(seed + 1);
    final FrameLayout layout = new FrameLayout(encoding, slots, keyWidth, valueWidth, !raw);
    final PageMemory memory;
    final RotaryTable rotary;
    final KvView[] views = new KvView[sequences];
    final AttentionPlan plan = new AttentionPlan();
    final int totalRows = Arrays.stream(rows).sum();

    Run(Device device, Arena arena) {
      this.device = device;
      double[] frequencies = {1, 0.1, 0.01};
      rotary = rotates ? device.rotary(new RotarySpec(frequencies, 1)) : null;
      long frames = 0;
      for (int s = 0; s < sequences; s++) {
        frames += (long) kvHeads * framesOf(s);
      }
      memory = device.pages(frames * layout.frameBytes());
      MemorySegment poison = arena.allocate(memory.bytes(), 64);
      poison.fill((byte) 0xff);
      device.uploadPages(poison, memory, 0);
      long frame = 0;
      for (int s = 0; s < sequences; s++) {
        views[s] = view(s, frame);
        frame += (long) kvHeads * framesOf(s);
        write(s);
      }
      fillPlan();
    }

    private int framesOf(int sequence) {
      return (entries[sequence] + slots - 1) / slots;
    }

    /** Frames of a head are shuffled, to show that only the table matters. */
    private KvView view(int s, long firstFrame) {
      KvView view = new KvView();
      int perHead = framesOf(s);
      view.frames = new long[2 + kvHeads * perHead];
      view.framesStart = 2;
      view.headTableStride = byEntry ? perHead : 0;
      view.headOffsetBytes = byEntry ? 0 : layout.frameBytes();
      for (int p = 0; p < (byEntry ? kvHeads * perHead : perHead); p++) {
        long place = byEntry ? p : (long) (perHead - 1 - p) * kvHeads;
        view.frames[2 + p] = (firstFrame + place) * layout.frameBytes();
      }
      view.orderByEntry = byEntry;
      view.firstIndex = gaps ? 0 : random.nextInt(20);
      view.entryCounts = new int[kvHeads];
      view.indices = gaps ? new int[kvHeads][] : null;
      view.positions = raw && random.nextBoolean() ? new int[kvHeads][] : null;
      view.logWeights = logWeights ? new float[kvHeads][] : null;
      for (int h = 0; h < kvHeads; h++) {
        fillSideTables(view, s, h);
      }
      return view;
    }

    private void fillSideTables(KvView view, int s, int h) {
      view.entryCounts[h] = count(s, h);
      int index = random.nextInt(5);
      if (view.indices != null) {
        view.indices[h] = new int[entries[s]];
      }
      if (view.positions != null) {
        view.positions[h] = new int[entries[s]];
      }
      if (view.logWeights != null) {
        view.logWeights[h] = new float[entries[s]];
      }
      for (int e = 0; e < entries[s]; e++) {
        if (view.indices != null) {
          view.indices[h][e] = index;
          index += random.nextInt(3);
        }
        if (view.indices != null && byEntry && e > 0 && random.nextInt(8) == 0) {
          // An overwritten slot: head pages need not ascend.
          int earlier = random.nextInt(e);
          int index0 = view.indices[h][earlier];
          view.indices[h][earlier] = view.indices[h][e];
          view.indices[h][e] = index0;
        }
        if (view.positions != null) {
          view.positions[h][e] = random.nextInt(600);
        }
        if (view.logWeights != null) {
          view.logWeights[h][e] = (float) random.nextDouble();
        }
      }
    }

    private void write(int s) {
      KvWritePlan write = new KvWritePlan();
      write.layout = layout;
      write.kvHeadCount = kvHeads;
      write.rotary = rotary;
      write.memory = memory;
      write.ensure(entries[s], kvHeads, 1);
      int stride = kvHeads * (keyWidth + valueWidth) + 1;
      float[] kv = values(entries[s] * stride);
      // Heads of unequal lengths: one write plan per entry and set of heads would be needed; the
      // surplus entries of short lists are written and never seen.
      for (int e = 0; e < entries[s]; e++) {
        write.row[e] = e;
        write.position[e] = 3 * e;
        for (int h = 0; h < kvHeads; h++) {
          write.frame[e * kvHeads + h] = views[s].frameAddress(h, e / slots);
          write.slot[e * kvHeads + h] = e % slots;
        }
      }
      write.count = entries[s];
      DeviceFloats buffer = upload(kv);
      device.kernels().writeKv(write, buffer, 0, buffer, (long) kvHeads * keyWidth, stride);
    }

    private void fillPlan() {
      plan.headCount = heads;
      plan.kvHeadCount = kvHeads;
      plan.layout = layout;
      plan.scale = 0.4f;
      plan.rotary = rotary;
      plan.window = window;
      plan.memory = memory;
      plan.rowCount = totalRows;
      plan.ensure(totalRows, sequences, 1);
      plan.rowRanges = ranges ? new int[totalRows][] : null;
      plan.rowBits = bits ? new long[totalRows][] : null;
      plan.rowBitsFrom = bits ? new int[totalRows] : null;
      int row = 0;
      for (int s = 0; s < sequences; s++) {
        plan.segmentView[s] = views[s];
        plan.segmentFirstRow[s] = row;
        plan.segmentRowCount[s] = rows[s];
        for (int i = 0; i < rows[s]; i++) {
          fillRow(row++, s, entries[s] - rows[s] + i);
        }
      }
      plan.segmentCount = sequences;
    }

    private void fillRow(int row, int s, int entry) {
      KvView view = views[s];
      int index = view.indices == null ? view.firstIndex + entry : view.indices[0][entry];
      plan.rowIndex[row] = random.nextInt(12) == 0 ? -1 : index;
      plan.rowPosition[row] = 3 * entry;
      plan.rowSelfEntry[row] = random.nextInt(3) == 0 ? -1 : entry;
      if (ranges && random.nextInt(3) > 0) {
        int a = random.nextInt(30);
        int b = a + 1 + random.nextInt(30);
        plan.rowRanges[row] = new int[] {a, b, b + 4, b + 9};
      }
      if (bits && random.nextInt(3) > 0) {
        plan.rowBitsFrom[row] = random.nextInt(entries[s]);
        plan.rowBits[row] = new long[] {random.nextLong(), random.nextLong()};
      }
    }

    private float[] results() {
      DeviceFloats q = upload(values(5 + totalRows * (heads * keyWidth + 2)));
      int outStride = heads * valueWidth + 3;
      DeviceFloats out = device.floats(1 + (long) totalRows * outStride);
      AttentionStatistic[] statistics = statistics();
      if (splitBatches) {
        runSplit(q, out, outStride, statistics);
      } else {
        plan.statistics = statistics;
        device.kernels().attend(plan, q, 5, heads * keyWidth + 2, out, 1, outStride);
      }
      float[] result = download(out);
      for (AttentionStatistic statistic : statistics) {
        float[] taken = download(statistic.target());
        int at = result.length;
        result = Arrays.copyOf(result, at + taken.length);
        System.arraycopy(taken, 0, result, at, taken.length);
      }
      memory.close();
      return result;
    }

    /** Statistics alone first, then each segment alone, in reverse order. */
    private void runSplit(
        DeviceFloats q, DeviceFloats out, int outStride, AttentionStatistic[] statistics) {
      int qStride = heads * keyWidth + 2;
      plan.statistics = statistics;
      device.kernels().attend(plan, q, 5, qStride, null, 0, 0);
      plan.statistics = null;
      int[] firstRow = plan.segmentFirstRow.clone();
      plan.segmentCount = 1;
      for (int s = sequences - 1; s >= 0; s--) {
        int half = rows[s] / 2;
        for (int part = 0; part < 2; part++) {
          plan.segmentView[0] = views[s];
          plan.segmentFirstRow[0] = firstRow[s] + (part == 0 ? half : 0);
          plan.segmentRowCount[0] = part == 0 ? rows[s] - half : half;
          device.kernels().attend(plan, q, 5, qStride, out, 1, outStride);
        }
      }
    }

    private AttentionStatistic[] statistics() {
      AttentionStatistic.Rows[] kinds = AttentionStatistic.Rows.values();
      int[] groups = {1, heads / kvHeads, heads};
      AttentionStatistic[] taken = new AttentionStatistic[kinds.length];
      for (int i = 0; i < kinds.length; i++) {
        int s = random.nextInt(sequences);
        int from = random.nextInt(count(s, kvHeads - 1));
        int to = from + 1 + random.nextInt(count(s, kvHeads - 1) - from);
        int[] chosen = new int[1 + random.nextInt(rows[s])];
        int skip = random.nextInt(rows[s] - chosen.length + 1);
        int first = plan.segmentFirstRow[s] + skip;
        Arrays.setAll(chosen, r -> first + r);
        int group = groups[random.nextInt(3)];
        int lines = kinds[i] == AttentionStatistic.Rows.EACH ? chosen.length : 1;
        long length = 2 + (long) heads / group * lines * (to - from);
        taken[i] =
            new AttentionStatistic(s, chosen, from, to, kinds[i], group, device.floats(length), 2);
      }
      return taken;
    }

    private float[] values(int count) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) (random.nextDouble() * 4 - 2);
      }
      return values;
    }

    private DeviceFloats upload(float[] values) {
      DeviceFloats floats = device.floats(values.length);
      device.upload(values, 0, floats, 0, values.length);
      return floats;
    }

    private float[] download(DeviceFloats floats) {
      float[] values = new float[(int) floats.count()];
      device.download(floats, 0, values, 0, values.length);
      device.await();
      return values;
    }
  }

  /** The bytes of one value, for messages. */
  static String hex(float value) {
    return Integer.toHexString(Float.floatToRawIntBits(value)) + " (" + value + ")";
  }

  @Override
  public String toString() {
    return "heads "
        + heads
        + "/"
        + kvHeads
        + " widths "
        + keyWidth
        + "/"
        + valueWidth
        + " entries "
        + Arrays.toString(entries)
        + " rows "
        + Arrays.toString(rows)
        + (raw ? " raw" : "")
        + (gaps ? " gaps" : "")
        + (byEntry ? " byEntry" : "")
        + (logWeights ? " logWeights" : "")
        + (ranges ? " ranges" : "")
        + (bits ? " bits" : "")
        + " window "
        + window
        + " "
        + encoding;
  }
}
