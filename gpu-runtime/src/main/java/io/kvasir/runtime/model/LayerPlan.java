package io.kvasir.runtime.model;

import io.kvasir.runtime.device.AttentionStatistic;
import java.util.Arrays;

/**
 * What one work item does at one layer: four row sets, each named by row ordinals of the item. A
 * policy starts from the dense plan and changes what it wants; one instance is reused.
 *
 * <ul>
 *   <li><em>residual</em>: rows that get this layer's contributions (attention output if they
 *       query, and the feed-forward). Others leave the item after this layer, or stay as they are
 *       if {@link #freezeOthers()}.
 *   <li><em>query</em>: rows that attend; a subset of residual. A residual row without a query gets
 *       a zero attention output.
 *   <li><em>write</em>: rows whose K and V are computed from their hidden state before this layer,
 *       residual or not, and where they go.
 *   <li><em>visible</em>: restrictions per row on top of causal order and window.
 * </ul>
 */
public final class LayerPlan {
  boolean allResidual;
  boolean allQuery;
  boolean allWrite;
  int[] residual = new int[0];
  int[] query = new int[0];
  int[] write = new int[0];
  int residualCount;
  int queryCount;
  int writeCount;
  int[] writeEntries;
  int[][] headEntries;
  boolean freeze;
  boolean park;
  int[][] ranges;
  long[][] bits;
  int[] bitsFrom;
  AttentionStatistic[] before;
  AttentionStatistic[] during;
  boolean withoutOutput;

  void reset() {
    allResidual = true;
    allQuery = true;
    allWrite = true;
    writeEntries = null;
    headEntries = null;
    freeze = false;
    park = false;
    ranges = null;
    bits = null;
    bitsFrom = null;
    before = null;
    during = null;
    withoutOutput = false;
  }

  /** The rows passed this layer's mixer in an earlier step: only the feed-forward is left. */
  void feedForwardOnly() {
    query();
    write();
    before = null;
    during = null;
    park = false;
  }

  boolean dense() {
    return allResidual
        && allQuery
        && allWrite
        && writeEntries == null
        && headEntries == null
        && !park
        && ranges == null
        && bits == null
        && before == null
        && during == null
        && !withoutOutput;
  }

  /** Only these rows stay residual; queries shrink with them unless set afterwards. */
  public LayerPlan residual(int... rows) {
    residual = ascending(rows);
    residualCount = rows.length;
    allResidual = false;
    if (allQuery) {
      query(rows);
    }
    return this;
  }

  /** Only these rows attend; those of them that are not residual only serve statistics. */
  public LayerPlan query(int... rows) {
    query = ascending(rows);
    queryCount = rows.length;
    allQuery = false;
    return this;
  }

  /** Only these rows write K and V, to their own next entries. None: K and V go nowhere. */
  public LayerPlan write(int... rows) {
    write = ascending(rows);
    writeCount = rows.length;
    allWrite = false;
    return this;
  }

  /** These rows write to the given entries (absolute ordinals of the layer's group). */
  public LayerPlan writeTo(int[] rows, int[] entries) {
    write(rows);
    writeEntries = entries.clone();
    return this;
  }

  /** These rows write to per-head entries of a head-page table: [row][head]. */
  public LayerPlan writeToHeads(int[] rows, int[][] entries) {
    write(rows);
    headEntries = entries.clone();
    return this;
  }

  /** Rows outside the residual set keep their hidden state and stay in the item. */
  public LayerPlan freezeOthers() {
    freeze = true;
    return this;
  }

  /** The item stops before this layer; its hidden states are parked on the work item. */
  public LayerPlan park() {
    park = true;
    return this;
  }

  /**
   * Visible logical-index ranges per row ordinal ([from, to) pairs); null elements: unrestricted.
   */
  public LayerPlan visibleRanges(int[][] perRow) {
    ranges = perRow;
    return this;
  }

  /**
   * Visibility bits per row ordinal for the group's entries (absolute ordinals) from {@code
   * from[row]} on; entries before it follow the other rules alone.
   */
  public LayerPlan visibleBits(long[][] perRow, int[] from) {
    bits = perRow;
    bitsFrom = from;
    return this;
  }

  /**
   * Statistics to take before attention: K and V of this layer are written, then the statistics are
   * taken and awaited, then {@link LayerPolicy#revise} may still change residual and query rows.
   * Rows in them are row ordinals of the item and entries are absolute ordinals of the layer's
   * group; the segment is filled in by the executor.
   */
  public LayerPlan statisticsBefore(AttentionStatistic... statistics) {
    before = statistics;
    return this;
  }

  /** Statistics to take with this layer's attention. */
  public LayerPlan statistics(AttentionStatistic... statistics) {
    during = statistics;
    return this;
  }

  /** Queries serve the statistics only: no attention output is computed or added. */
  public LayerPlan statisticsOnly() {
    withoutOutput = true;
    return this;
  }

  /** Residual and query rows are those whose output somebody wants. */
  void onlyOutputRows(WorkItem item) {
    int count = 0;
    for (int r = 0; r < item.liveCount; r++) {
      count += item.wantsOutput(item.live[r]) ? 1 : 0;
    }
    if (count == item.liveCount) {
      return;
    }
    if (residual.length < count) {
      residual = new int[count];
    }
    residualCount = 0;
    for (int r = 0; r < item.liveCount; r++) {
      if (item.wantsOutput(item.live[r])) {
        residual[residualCount++] = item.live[r];
      }
    }
    query = residual;
    queryCount = residualCount;
    allResidual = false;
    allQuery = false;
  }

  /** Row ordinals are searched and joined in order, so they must ascend. */
  private static int[] ascending(int[] rows) {
    for (int i = 1; i < rows.length; i++) {
      if (rows[i] <= rows[i - 1]) {
        throw new IllegalArgumentException(
            "row="
                + rows[i]
                + " at place "
                + i
                + " follows row="
                + rows[i - 1]
                + ", name rows in ascending order");
      }
    }
    return rows.clone();
  }

  boolean isWritten(int ordinal) {
    return allWrite || Arrays.binarySearch(write, 0, writeCount, ordinal) >= 0;
  }

  boolean isResidual(int ordinal) {
    return allResidual || Arrays.binarySearch(residual, 0, residualCount, ordinal) >= 0;
  }
}
