package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.device.WeightFormat;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Linear layers on vectors. Units of work are panels. One row: weights are widened in registers.
 * More rows: a panel is widened once to f32 in the worker's scratch, {@link #DEPTH} steps of k at a
 * time, and meets all rows of a block of rows, whose running sums stay in scratch too.
 */
final class VectorLinear implements WorkerTeam.Task {
  /** Steps of k per stretch: 256 × 32 columns of f32 stay in the L1 cache. A multiple of 32. */
  static final int DEPTH = 256;

  /** Rows per block: 128 rows of 1,024 inputs stay in the L2 cache. */
  static final int ROW_BLOCK = 128;

  /** Up to so many rows weights are widened in registers; above, once into scratch. */
  static final int FUSED_ROWS = 64;

  /**
   * Steps of k per stretch then: long, so that the first tile of rows streams through memory while
   * it computes, short enough that the other tiles find the weights in the L2 cache.
   */
  static final int FUSED_DEPTH = 4096;

  /** Up to so many rows the arithmetic is so little that tiles read memory at its own pace. */
  private static final int FEW_ROWS = 4;

  /** Below this many multiplications a dispatch costs more than it saves. */
  private static final long ALONE = 1 << 16;

  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  final LinearCall call = new LinearCall();
  private final WorkerTeam team;
  private final Scratch[] scratch;

  VectorLinear(WorkerTeam team, Scratch[] scratch) {
    this.team = team;
    this.scratch = scratch;
  }

  /** Runs {@link #call}. */
  void run() {
    int panels = call.panelCount();
    long work = (long) panels * PANEL * call.weight.inWidth * call.rows;
    if (call.rows == 0) {
      return;
    }
    if (work < ALONE) {
      team.runAlone(this, panels);
    } else {
      team.run(this, panels, call.rows == 1 ? grainOfOneRow(panels) : grain(panels));
    }
  }

  /** One row is memory alone: long stretches, which the hardware prefetches best. */
  private int grainOfOneRow(int panels) {
    int chunks = 2 * team.threads();
    return ((panels + chunks - 1) / chunks + 3) / 4 * 4;
  }

  /**
   * Few rows: pairs of panels, more where those are little work, because the others wait for what
   * one worker does last. Many rows: long stretches, whose panels share the reads of x.
   */
  private int grain(int panels) {
    int chunks = 8 * team.threads();
    int most = (panels + chunks - 1) / chunks;
    if (call.rows > FUSED_ROWS) {
      return most;
    }
    long pair = 2L * PANEL * call.weight.inWidth * call.rows;
    return 2 * Math.clamp(ALONE / pair, 1, Math.max(1, (most + 1) / 2));
  }

  @Override
  public void run(int worker, int from, int to) {
    Scratch own = scratch[worker];
    own.panel = Scratch.grown(own.panel, DEPTH * PANEL);
    own.sums = Scratch.grown(own.sums, ROW_BLOCK * PANEL);
    int first = call.weight.partPanel[call.firstPart];
    for (int row = 0; row < call.rows; row += ROW_BLOCK) {
      int rows = Math.min(ROW_BLOCK, call.rows - row);
      int panel = first + from;
      while (panel < first + to) {
        int done = 1;
        int sumsLength = PANEL;
        if (pairAtOnce(panel, first + to, rows)) {
          done = 2;
          sumsLength = rows * PANEL;
          multiplyPair(own, panel, row, rows);
        } else if (call.rows > 1) {
          multiplyRows(own, panel, row, rows);
        } else if (fourAtOnce(panel, first + to)) {
          done = 4;
          PackedLinear w = call.weight;
          short[] store = w.shorts[w.store(panel)];
          int at = w.panelOffset(panel);
          PanelGemv.bf16x4(call.x, call.xOffset, w.inWidth, store, at, w.panelLength, own.sums);
        } else {
          multiplyRow(own, panel);
        }
        for (int i = 0; i < done; i++) {
          finish(own.sums, i * sumsLength, panel + i, row, rows);
        }
        panel += done;
      }
    }
  }

  /** Four bf16 panels share the reads of x: it takes that to keep pace with memory. */
  private boolean fourAtOnce(int panel, int end) {
    PackedLinear w = call.weight;
    return w.format == WeightFormat.BF16
        && panel + 4 <= end
        && panel % w.panelsPerStore + 4 <= w.panelsPerStore;
  }

  /** Whether a few rows meet two panels of one store, which {@link PairTiles} reads together. */
  private boolean pairAtOnce(int panel, int end, int rows) {
    PackedLinear w = call.weight;
    return Lanes.TALL
        && rows >= PairTiles.ROWS
        && rows <= FUSED_ROWS
        && (w.format == WeightFormat.BF16 || w.format == WeightFormat.INT8)
        && panel + 2 <= end
        && panel % w.panelsPerStore + 2 <= w.panelsPerStore;
  }

  /** The first rows bring a stretch of both panels from memory, the others use it there. */
  private void multiplyPair(Scratch own, int panel, int row, int rows) {
    PackedLinear w = call.weight;
    Arrays.fill(own.sums, 0, 2 * rows * PANEL, 0f);
    for (int k = 0; k < w.inWidth; k += FUSED_DEPTH) {
      int depth = Math.min(FUSED_DEPTH, w.inWidth - k);
      int xAt = call.xOffset + row * call.xStride + k;
      for (int r = 0; r < rows; ) {
        int tile = pairRows(rows - r, r == 0);
        if (w.format == WeightFormat.BF16) {
          multiplyPairBf16(own, panel, k, depth, xAt + r * call.xStride, r, rows, tile);
        } else {
          multiplyPairInt8(own, panel, k, depth, xAt + r * call.xStride, r, rows, tile);
        }
        r += tile;
      }
    }
  }

  /**
   * Rows of the next pass over a pair of panels: six or four of both at once, which comes along
   * with reading them; any other number takes one panel after the other.
   */
  private static int pairRows(int rows, boolean first) {
    if (rows == TallPairTiles.ROWS || rows == TallPairTiles.ROWS + PairTiles.ROWS) {
      return TallPairTiles.ROWS;
    }
    if (first) {
      return rows >= 2 * TallPairTiles.ROWS ? TallPairTiles.ROWS : PairTiles.ROWS;
    }
    return rows < TallTiles.ROWS ? rows : TallTiles.ROWS;
  }

  private void multiplyPairBf16(
      Scratch own, int panel, int k, int depth, int xAt, int row, int rows, int tile) {
    PackedLinear w = call.weight;
    short[] b = w.shorts[w.store(panel)];
    int at = w.panelOffset(panel) + k * PANEL;
    int length = w.panelLength;
    int sum = row * PANEL;
    int next = rows * PANEL;
    float[] x = call.x;
    int stride = call.xStride;
    if (tile == TallPairTiles.ROWS) {
      TallPairTiles.bf16(x, xAt, stride, b, at, length, depth, own.sums, sum, next);
    } else if (tile == PairTiles.ROWS) {
      PairTiles.bf16(x, xAt, stride, b, at, length, depth, own.sums, sum, next);
    } else {
      Bf16Tiles.run(x, xAt, stride, tile, b, at, depth, own.sums, sum, PANEL);
      Bf16Tiles.run(x, xAt, stride, tile, b, at + length, depth, own.sums, next + sum, PANEL);
    }
  }

  private void multiplyPairInt8(
      Scratch own, int panel, int k, int depth, int xAt, int row, int rows, int tile) {
    PackedLinear w = call.weight;
    byte[] b = w.bytes[w.store(panel)];
    int at = w.panelOffset(panel) + k * PANEL;
    int length = w.panelLength;
    float[] scales = w.scales[w.store(panel)];
    int scale = w.scaleOffset(panel) + k / WeightFormat.BLOCK * PANEL;
    int apart = w.scaleLength;
    float[] sums = own.sums;
    int sum = row * PANEL;
    int next = rows * PANEL;
    float[] x = call.x;
    int stride = call.xStride;
    if (tile == TallPairTiles.ROWS) {
      TallPairTiles.int8(
          x, xAt, stride, b, at, length, depth, scales, scale, apart, sums, sum, next);
    } else if (tile == PairTiles.ROWS) {
      PairTiles.int8(x, xAt, stride, b, at, length, depth, scales, scale, apart, sums, sum, next);
    } else {
      Int8Tiles.run(x, xAt, stride, tile, b, at, depth, scales, scale, sums, sum, PANEL);
      Int8Tiles.run(
          x,
          xAt,
          stride,
          tile,
          b,
          at + length,
          depth,
          scales,
          scale + apart,
          sums,
          next + sum,
          PANEL);
    }
  }

  private void multiplyRow(Scratch own, int panel) {
    PackedLinear w = call.weight;
    int store = w.store(panel);
    int at = w.panelOffset(panel);
    int depth = w.inWidth;
    switch (w.format) {
      case F32 -> PanelGemv.f32(call.x, call.xOffset, depth, w.floats[store], at, own.sums);
      case BF16 -> PanelGemv.bf16(call.x, call.xOffset, depth, w.shorts[store], at, own.sums);
      case F16 -> PanelGemv.f16(call.x, call.xOffset, depth, w.shorts[store], at, own.sums);
      case INT8, INT4 -> multiplyRowQuantised(own, panel);
    }
  }

  private void multiplyRowQuantised(Scratch own, int panel) {
    PackedLinear w = call.weight;
    if (L < 8) {
      // Four bytes are no vector: widen first.
      multiplyRows(own, panel, 0, 1);
      return;
    }
    int at = w.panelOffset(panel);
    byte[] codes = w.bytes[w.store(panel)];
    float[] scales = w.scales[w.store(panel)];
    int scaleAt = w.scaleOffset(panel);
    if (w.format == WeightFormat.INT8) {
      PanelGemv.int8(call.x, call.xOffset, w.inWidth, codes, at, scales, scaleAt, own.sums);
    } else {
      PanelGemv.int4(call.x, call.xOffset, w.inWidth, codes, at, scales, scaleAt, own.sums);
    }
  }

  private void multiplyRows(Scratch own, int panel, int row, int rows) {
    PackedLinear w = call.weight;
    Arrays.fill(own.sums, 0, rows * PANEL, 0f);
    boolean fused =
        rows <= FUSED_ROWS
            && (w.format == WeightFormat.BF16 || (w.format == WeightFormat.INT8 && L >= 8));
    int most = fused ? FUSED_DEPTH : DEPTH;
    for (int k = 0; k < w.inWidth; k += most) {
      int depth = Math.min(most, w.inWidth - k);
      int xAt = call.xOffset + row * call.xStride + k;
      if (fused) {
        multiplyPacked(own, panel, k, depth, xAt, rows);
      } else if (w.format.quantised()) {
        multiplyCodes(own, panel, k, depth, xAt, rows);
      } else {
        multiplyWide(own, panel, k, depth, xAt, rows);
      }
    }
  }

  private void multiplyPacked(Scratch own, int panel, int k, int depth, int xAt, int rows) {
    PackedLinear w = call.weight;
    int store = w.store(panel);
    int at = w.panelOffset(panel) + k * PANEL;
    float[] x = call.x;
    int stride = call.xStride;
    if (w.format == WeightFormat.BF16) {
      if (rows > FEW_ROWS) {
        own.touched += touch(w.shorts[store], at, at + depth * PANEL);
      }
      Bf16Tiles.run(x, xAt, stride, rows, w.shorts[store], at, depth, own.sums, 0, PANEL);
    } else {
      if (rows > FEW_ROWS) {
        own.touched += touch(w.bytes[store], at, at + depth * PANEL);
      }
      int scaleAt = w.scaleOffset(panel) + k / WeightFormat.BLOCK * PANEL;
      float[] scales = w.scales[store];
      Int8Tiles.run(
          x, xAt, stride, rows, w.bytes[store], at, depth, scales, scaleAt, own.sums, 0, PANEL);
    }
  }

  /**
   * Brings a stretch into the cache. Java has no prefetch instruction; one read a cache line keeps
   * more lines in flight than a tile can, whose arithmetic fills the processor's window.
   */
  private static int touch(short[] values, int from, int to) {
    int sum = 0;
    for (int i = from; i < to; i += 32) {
      sum += values[i];
    }
    return sum;
  }

  private static int touch(byte[] values, int from, int to) {
    int sum = 0;
    for (int i = from; i < to; i += 64) {
      sum += values[i];
    }
    return sum;
  }

  private void multiplyCodes(Scratch own, int panel, int k, int depth, int xAt, int rows) {
    PackedLinear w = call.weight;
    int store = w.store(panel);
    int at = w.panelOffset(panel);
    if (w.format == WeightFormat.INT8) {
      PanelExpander.int8(w.bytes[store], at + k * PANEL, depth, own.panel);
    } else {
      PanelExpander.int4(w.bytes[store], at + k / 2 * PANEL, depth, own.panel);
    }
    int scaleAt = w.scaleOffset(panel) + k / WeightFormat.BLOCK * PANEL;
    float[] scales = w.scales[store];
    BlockTiles.run(
        call.x, xAt, call.xStride, rows, own.panel, 0, depth, scales, scaleAt, own.sums, 0, PANEL);
  }

  private void multiplyWide(Scratch own, int panel, int k, int depth, int xAt, int rows) {
    PackedLinear w = call.weight;
    int store = w.store(panel);
    int at = w.panelOffset(panel) + k * PANEL;
    float[] tile = own.panel;
    int tileAt = 0;
    switch (w.format) {
      case BF16 -> PanelExpander.bf16(w.shorts[store], at, depth, tile);
      case F16 -> PanelExpander.f16(w.shorts[store], at, depth, tile);
      default -> {
        tile = w.floats[store];
        tileAt = at;
      }
    }
    ChainTiles.run(call.x, xAt, call.xStride, rows, tile, tileAt, depth, own.sums, 0, PANEL);
  }

  /** Bias, then the store; columns of padding are dropped. */
  private void finish(float[] sums, int sumAt, int panel, int row, int rows) {
    PackedLinear w = call.weight;
    int part = call.firstPart;
    while (panel >= w.partPanel[part + 1]) {
      part++;
    }
    int inPart = (panel - w.partPanel[part]) * PANEL;
    int column = w.partColumn[part] - w.partColumn[call.firstPart] + inPart;
    int columns = Math.min(PANEL, w.partWidth(part) - inPart);
    for (int r = 0; r < rows; r++) {
      int at = call.outOffset + (row + r) * call.outStride + column;
      if (columns == PANEL) {
        finishVector(sums, sumAt + r * PANEL, column, at);
        finishVector(sums, sumAt + r * PANEL + L, column + L, at + L);
      } else {
        for (int c = 0; c < columns; c++) {
          float sum = sums[sumAt + r * PANEL + c];
          float value = call.bias == null ? sum : sum + call.bias[column + c];
          call.out[at + c] = call.store == Store.ADD ? call.out[at + c] + value : value;
        }
      }
    }
  }

  private void finishVector(float[] sums, int sumAt, int column, int at) {
    FloatVector value = FloatVector.fromArray(Lanes.F, sums, sumAt);
    if (call.bias != null) {
      value = value.add(FloatVector.fromArray(Lanes.F, call.bias, column));
    }
    if (call.store == Store.ADD) {
      value = FloatVector.fromArray(Lanes.F, call.out, at).add(value);
    }
    value.intoArray(call.out, at);
  }
}
