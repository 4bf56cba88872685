package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * Logical indices, rotary positions and log-weights of one list of entries. Each column exists only
 * once somebody set a value that differs from the default: index = ordinal, position = index on
 * every axis, log-weight = 0. Entries are numbered from the first that is still held.
 */
final class SideTable {
  private static final int[] NO_INTS = {};
  private static final float[] NO_FLOATS = {};

  private final int axes;
  private int[] index = NO_INTS;
  private boolean indexActive;
  private int identityFilled;
  private int[] position = NO_INTS;
  private boolean positionActive;
  private float[] logWeight = NO_FLOATS;
  private boolean logWeightActive;

  SideTable(int axes) {
    this.axes = axes;
  }

  boolean hasIndex() {
    return indexActive;
  }

  boolean hasPosition() {
    return positionActive;
  }

  boolean hasLogWeight() {
    return logWeightActive;
  }

  int[] indices() {
    return indexActive ? index : null;
  }

  int[] positions() {
    return positionActive ? position : null;
  }

  float[] logWeights() {
    return logWeightActive ? logWeight : null;
  }

  int index(int entry, int firstIndex) {
    return indexActive ? index[entry] : firstIndex + entry;
  }

  /** Whether an index in [from, to) differs from {@code firstIndex + entry}. */
  boolean indexDiffers(int from, int to, int firstIndex) {
    for (int i = from; indexActive && i < to; i++) {
      if (index[i] != firstIndex + i) {
        return true;
      }
    }
    return false;
  }

  /** Whether a position in [from, to) differs from its entry's index. */
  boolean positionDiffers(int from, int to, int firstIndex) {
    for (int i = from * axes; positionActive && i < to * axes; i++) {
      if (position[i] != index(i / axes, firstIndex)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a log-weight in [from, to) is not zero. */
  boolean logWeightDiffers(int from, int to) {
    for (int i = from; logWeightActive && i < to; i++) {
      if (logWeight[i] != 0f) {
        return true;
      }
    }
    return false;
  }

  /** Gives every entry an explicit index, {@code firstIndex + entry} until set. */
  void materialiseIndex(int count, int firstIndex) {
    if (indexActive) {
      return;
    }
    ensureIndex(count);
    for (int i = identityFilled; i < count; i++) {
      index[i] = firstIndex + i;
    }
    indexActive = true;
  }

  /** Back to implicit indices; the first {@code identical} entries are known to be the default. */
  void dropIndex(int identical) {
    indexActive = false;
    identityFilled = identical;
  }

  void materialisePosition(int count, int firstIndex) {
    if (!positionActive) {
      ensurePosition(count);
      for (int i = 0; i < count; i++) {
        Arrays.fill(position, i * axes, (i + 1) * axes, index(i, firstIndex));
      }
      positionActive = true;
    }
  }

  void materialiseLogWeight(int count) {
    if (!logWeightActive) {
      ensureLogWeight(count);
      Arrays.fill(logWeight, 0, count, 0f);
      logWeightActive = true;
    }
  }

  /** Fills defaults of {@code count} new entries whose indices go up from {@code nextIndex}. */
  void append(int from, int count, int nextIndex) {
    if (indexActive) {
      ensureIndex(from + count);
      for (int i = 0; i < count; i++) {
        index[from + i] = nextIndex + i;
      }
    }
    if (positionActive) {
      ensurePosition(from + count);
      for (int i = 0; i < count; i++) {
        Arrays.fill(position, (from + i) * axes, (from + i + 1) * axes, nextIndex + i);
      }
    }
    if (logWeightActive) {
      ensureLogWeight(from + count);
      Arrays.fill(logWeight, from, from + count, 0f);
    }
  }

  void setIndex(int entry, int value) {
    index[entry] = value;
  }

  void setPosition(int entry, int axis, int value) {
    position[entry * axes + axis] = value;
  }

  void setLogWeight(int entry, float value) {
    logWeight[entry] = value;
  }

  void move(int from, int to) {
    if (indexActive) {
      index[to] = index[from];
    }
    if (positionActive) {
      System.arraycopy(position, from * axes, position, to * axes, axes);
    }
    if (logWeightActive) {
      logWeight[to] = logWeight[from];
    }
  }

  /** Takes one entry of another list over, whose entries start at {@code firstIndex}. */
  void copyFrom(SideTable other, int from, int to, int firstIndex) {
    index[to] = other.index(from, firstIndex);
    if (other.positionActive) {
      System.arraycopy(other.position, from * axes, position, to * axes, axes);
    }
    if (other.logWeightActive) {
      logWeight[to] = other.logWeight[from];
    }
  }

  /** Forgets the first {@code dropped} of {@code count} entries. */
  void shift(int dropped, int count) {
    int rest = count - dropped;
    if (indexActive) {
      System.arraycopy(index, dropped, index, 0, rest);
    }
    identityFilled = 0;
    if (positionActive) {
      System.arraycopy(position, dropped * axes, position, 0, rest * axes);
    }
    if (logWeightActive) {
      System.arraycopy(logWeight, dropped, logWeight, 0, rest);
    }
  }

  /** Replaces the columns; null leaves a column out. The arrays belong to the table afterwards. */
  void load(int[] indices, int[] positions, float[] logWeights) {
    indexActive = indices != null;
    index = indices == null ? NO_INTS : indices;
    identityFilled = 0;
    positionActive = positions != null;
    position = positions == null ? NO_INTS : positions;
    logWeightActive = logWeights != null;
    logWeight = logWeights == null ? NO_FLOATS : logWeights;
  }

  int[] copyIndices(int count) {
    return indexActive ? Arrays.copyOf(index, count) : null;
  }

  int[] copyPositions(int count) {
    return positionActive ? Arrays.copyOf(position, count * axes) : null;
  }

  float[] copyLogWeights(int count) {
    return logWeightActive ? Arrays.copyOf(logWeight, count) : null;
  }

  private void ensureIndex(int count) {
    if (index.length < count) {
      index = Arrays.copyOf(index, Math.max(count, 2 * index.length));
    }
  }

  private void ensurePosition(int count) {
    if (position.length < count * axes) {
      position = Arrays.copyOf(position, Math.max(count * axes, 2 * position.length));
    }
  }

  private void ensureLogWeight(int count) {
    if (logWeight.length < count) {
      logWeight = Arrays.copyOf(logWeight, Math.max(count, 2 * logWeight.length));
    }
  }
}
