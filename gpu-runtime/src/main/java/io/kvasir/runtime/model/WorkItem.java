package io.kvasir.runtime.model;

import io.kvasir.runtime.cache.SequenceCache;
import java.util.Arrays;

/**
 * One sequence's share of a step: rows through layers [firstLayer, endLayer). Reusable: the engine
 * keeps one per sequence and refills it every step.
 *
 * <p>Rows are numbered by ordinal, 0 … rowCount − 1. By default row i writes entry {@code
 * firstEntry(group) + i} of every layer group: the caller reserved those entries. Its own entry is
 * always visible to it.
 */
public final class WorkItem {
  /** How rows enter. */
  enum Input {
    TOKENS,
    EMBEDDINGS,
    PARKED
  }

  final SequenceCache cache;
  int rowCount;
  int[] index = new int[16];
  int[] positions = new int[16];
  int axes = 1;
  int firstLayer;
  int endLayer;
  Input input = Input.TOKENS;
  int[] tokenIds = new int[16];
  float[] embeddings;
  ParkedRows parkedInput;
  boolean writes = true;
  final int[] firstEntry;
  int[] entries;
  boolean[] wantsLogits = new boolean[16];
  int statesFrom = Integer.MAX_VALUE;
  private boolean announces;
  boolean keepHidden;
  LayerPolicy policy;
  LayerHook hook;
  ParkedRows parked;

  // Execution state, owned by the executor.
  int base;
  int liveCount;
  int[] live = new int[16];
  int[] placeOf = new int[16];
  boolean active;
  long rowLayers;

  public WorkItem(SequenceCache cache, int groupCount) {
    this.cache = cache;
    this.firstEntry = new int[groupCount];
  }

  /** Starts a refill: {@code rows} rows with consecutive indices from {@code firstIndex}. */
  public WorkItem rows(int rows, int firstIndex, int layerCount) {
    ensure(rows);
    rowCount = rows;
    axes = 1;
    for (int i = 0; i < rows; i++) {
      index[i] = firstIndex + i;
      positions[i] = firstIndex + i;
      wantsLogits[i] = false;
    }
    firstLayer = 0;
    endLayer = layerCount;
    input = Input.TOKENS;
    parkedInput = null;
    embeddings = null;
    entries = null;
    writes = true;
    announces = false;
    statesFrom = Integer.MAX_VALUE;
    keepHidden = false;
    parked = null;
    for (int g = 0; g < firstEntry.length; g++) {
      firstEntry[g] = cache == null ? 0 : cache.committed(g);
    }
    return this;
  }

  /**
   * Logical indices of the rows, where they are not consecutive. The cache learns them for the
   * entries that the rows own.
   */
  public WorkItem indices(int[] logical) {
    System.arraycopy(logical, 0, index, 0, rowCount);
    System.arraycopy(logical, 0, positions, 0, rowCount);
    announces = true;
    return this;
  }

  /**
   * Rotary positions, [row × axisCount + axis]. Where pages hold raw keys, the cache learns them
   * for the entries that the rows own.
   */
  public WorkItem positions(int[] values, int axisCount) {
    positions = Arrays.copyOf(values, Math.max(values.length, index.length * axisCount));
    axes = axisCount;
    announces = true;
    return this;
  }

  public WorkItem layers(int first, int end) {
    firstLayer = first;
    endLayer = end;
    return this;
  }

  public WorkItem tokens(int[] source, int offset) {
    System.arraycopy(source, offset, tokenIds, 0, rowCount);
    input = Input.TOKENS;
    return this;
  }

  public WorkItem token(int id) {
    tokenIds[0] = id;
    input = Input.TOKENS;
    return this;
  }

  /** Rows enter as embeddings, [rowCount, hiddenSize]. */
  public WorkItem embeddings(float[] values) {
    embeddings = values;
    input = Input.EMBEDDINGS;
    return this;
  }

  /**
   * Rows enter as hidden states parked earlier by an item with the same rows; it resumes with the
   * parked rows only, at their layer. The parked rows stay the caller's to close.
   */
  public WorkItem resume(ParkedRows rows) {
    parkedInput = rows;
    input = Input.PARKED;
    firstLayer = rows.layer();
    return this;
  }

  /** K and V of this item are written nowhere: its entries exist already (a full prefix hit). */
  public WorkItem readOnly() {
    writes = false;
    return this;
  }

  /** First entry of the rows in layer group {@code group}, where it is not the committed count. */
  public WorkItem firstEntry(int group, int entry) {
    firstEntry[group] = entry;
    return this;
  }

  /**
   * The entry of each row, in every layer group, where they are not consecutive: rows that write
   * overwrite it. Absolute ordinals.
   */
  public WorkItem entries(int[] perRow) {
    entries = perRow.clone();
    return this;
  }

  public WorkItem logits(int ordinal) {
    wantsLogits[ordinal] = true;
    return this;
  }

  /**
   * The rows from {@code ordinal} on give their hidden states after the final norm, see {@link
   * StepExecutor.LogitConsumer#acceptState}.
   */
  public WorkItem statesFrom(int ordinal) {
    statesFrom = ordinal;
    return this;
  }

  /** Hidden states of the rows that reach endLayer are left in {@link #takeParked()}. */
  public WorkItem keepHidden() {
    keepHidden = true;
    return this;
  }

  public WorkItem policy(LayerPolicy value) {
    policy = value;
    return this;
  }

  public WorkItem hook(LayerHook value) {
    hook = value;
    return this;
  }

  /**
   * Rows that stopped early (a policy or a missing weight) or were kept by {@link #keepHidden()};
   * null if none. The caller owns and closes them.
   */
  public ParkedRows takeParked() {
    ParkedRows rows = parked;
    parked = null;
    return rows;
  }

  public SequenceCache cache() {
    return cache;
  }

  public int rowCount() {
    return rowCount;
  }

  public int index(int ordinal) {
    return index[ordinal];
  }

  public int liveRows() {
    return liveCount;
  }

  /** Rows × layers run since the last call. */
  public long takeRowLayers() {
    long value = rowLayers;
    rowLayers = 0;
    return value;
  }

  /** Whether somebody looks at what the row is after the last layer. */
  boolean wantsOutput(int ordinal) {
    return wantsLogits[ordinal] || ordinal >= statesFrom;
  }

  /** The entry row {@code ordinal} owns in {@code group}. */
  public int entryOf(int group, int ordinal) {
    return entries != null ? entries[ordinal] : firstEntry[group] + ordinal;
  }

  /** Whether the item passed this layer's mixer in an earlier step. */
  boolean resumesInFeedForward(int layer) {
    return input == Input.PARKED
        && parkedInput.layer() == layer
        && parkedInput.stage() == ParkedRows.Stage.FEED_FORWARD;
  }

  /** Rows that the item brings into a step. */
  int enteringRows() {
    return input == Input.PARKED ? parkedInput.ordinals().length : rowCount;
  }

  /** Tells the cache indices and positions that are not those it gives new entries by itself. */
  void announceIndices() {
    if (!announces || !writes || cache == null) {
      return;
    }
    for (int group = 0; group < firstEntry.length; group++) {
      boolean raw = !cache.layout().group(group).frame().keysRotated();
      for (int r = 0; r < rowCount; r++) {
        int entry = entryOf(group, r);
        cache.setIndex(group, entry, index[r]);
        for (int a = 0; raw && a < cache.layout().positionAxes(); a++) {
          int position = positions[r * axes + Math.min(a, axes - 1)];
          cache.setPosition(group, entry, a, position);
        }
      }
    }
  }

  private void ensure(int rows) {
    if (index.length < rows) {
      int length = Math.max(rows, 2 * index.length);
      index = new int[length];
      tokenIds = new int[length];
      wantsLogits = new boolean[length];
      live = new int[length];
      placeOf = new int[length];
    }
    if (positions.length < rows) {
      positions = new int[index.length];
    }
  }
}
