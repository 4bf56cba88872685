package io.kvasir.runtime.device;

import java.util.Arrays;

/**
 * Everything one attention call needs: query rows, what each of them sees, and the statistics to
 * take on the way. Filled by the executor, layer by layer; reused between calls.
 *
 * <p>Rows are numbered as they lie in the query buffer. A <em>segment</em> is a run of rows that
 * look at the same {@link KvView}. A row sees an entry iff the entry's logical index is at most the
 * row's (causal) and above {@code index − window} (if window &gt; 0), and, where the row has
 * ranges, its index lies in one of them, and, where the row has bits, its ordinal's bit is set;
 * {@code selfEntry} is always visible. A row that sees nothing yields zeros.
 *
 * <p>Arithmetic (law 1): score = (fma chain over channels, ascending) × scale + logWeight. Softmax:
 * maximum over visible entries; weight = exp(score − maximum); denominator = eight partial sums,
 * entry of order index o into sum {@code o mod 8}, ascending, joined as ((s0+s4)+(s2+s6)) +
 * ((s1+s5)+(s3+s7)); output channel = (fma chain over visible entries, ascending) / denominator,
 * zeros normalised to +0.
 */
public final class AttentionPlan {
  public int headCount;
  public int kvHeadCount;
  public FrameLayout layout;
  public float scale;

  /** Null when neither queries nor raw keys rotate. */
  public RotaryTable rotary;

  /** 0: full attention; otherwise the number of latest tokens a row sees, itself included. */
  public int window;

  public PageMemory memory;

  public int rowCount;

  /** Logical index per row. */
  public int[] rowIndex = new int[16];

  /** Rotary positions per row, [row × axisCount + axis]. */
  public int[] rowPosition = new int[16];

  /** Per row: its own entry's ordinal (always visible), or −1 when it wrote none. */
  public int[] rowSelfEntry = new int[16];

  /**
   * Per row, or null: visible index ranges as [from, to) pairs, ascending and disjoint; a null
   * element leaves the row unrestricted.
   */
  public int[][] rowRanges;

  /**
   * Per row, or null: visibility bits of entries {@code bitsFrom + i}; entries before {@code
   * bitsFrom} follow the other rules alone; a null element leaves the row unrestricted.
   */
  public long[][] rowBits;

  /** Per row: first entry that {@link #rowBits} speaks of. */
  public int[] rowBitsFrom;

  public int segmentCount;
  public int[] segmentFirstRow = new int[4];
  public int[] segmentRowCount = new int[4];
  public KvView[] segmentView = new KvView[4];

  /** Statistics to take, or null. */
  public AttentionStatistic[] statistics;

  public int axisCount() {
    return rotary == null ? 1 : rotary.spec().axisCount();
  }

  /** Grows the row and segment arrays; contents are kept. */
  public void ensure(int rows, int segments, int axes) {
    if (rowIndex.length < rows) {
      rowIndex = Arrays.copyOf(rowIndex, Math.max(rows, 2 * rowIndex.length));
      rowSelfEntry = Arrays.copyOf(rowSelfEntry, rowIndex.length);
    }
    if (rowPosition.length < rows * axes) {
      rowPosition = Arrays.copyOf(rowPosition, Math.max(rows * axes, 2 * rowPosition.length));
    }
    if (segmentFirstRow.length < segments) {
      int length = Math.max(segments, 2 * segmentFirstRow.length);
      segmentFirstRow = Arrays.copyOf(segmentFirstRow, length);
      segmentRowCount = Arrays.copyOf(segmentRowCount, length);
      segmentView = Arrays.copyOf(segmentView, length);
    }
  }
}
