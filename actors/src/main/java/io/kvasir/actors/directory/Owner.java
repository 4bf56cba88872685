package io.kvasir.actors.directory;

import java.util.Arrays;

/**
 * One life of a node that announces blocks, as a table knows it. Its entries carry the generation
 * in which they were announced; a mask a generation says which of their tiers still count, so that
 * a cleared tier, the end of a snapshot or the end of a life takes effect at once, before the
 * entries themselves are swept. Changed by the table's writer; the visible parts are read by any
 * thread.
 */
final class Owner {
  static final int GENERATIONS = 64;
  private static final byte ALL = -1;

  private final int slot;
  private final long nodeId;
  private final long incarnation;
  private volatile byte[] masks = filled(ALL);
  private volatile boolean hidden;

  private int oldest;
  private int generation;
  private boolean rebuilding;
  private boolean doomed;
  private long changedAt;

  Owner(int slot, long nodeId, long incarnation) {
    this.slot = slot;
    this.nodeId = nodeId;
    this.incarnation = incarnation;
  }

  private static byte[] filled(byte mask) {
    byte[] masks = new byte[GENERATIONS];
    Arrays.fill(masks, mask);
    return masks;
  }

  int slot() {
    return slot;
  }

  long nodeId() {
    return nodeId;
  }

  long incarnation() {
    return incarnation;
  }

  /** Generation of new entries. */
  int generation() {
    return generation;
  }

  /** Which tiers of an entry of that generation count. */
  int mask(int ofGeneration) {
    return masks[ofGeneration];
  }

  /** What lookups may name of an entry. */
  int visible(int ofGeneration, int tiers) {
    return hidden ? 0 : tiers & masks[ofGeneration];
  }

  /** Keeps the entries, but no lookup names them. */
  void hide(boolean hide) {
    hidden = hide;
  }

  boolean isHidden() {
    return hidden;
  }

  /** Whether a snapshot has begun and not ended. */
  boolean isRebuilding() {
    return rebuilding;
  }

  boolean isDoomed() {
    return doomed;
  }

  /** When this owner last changed, by the table's count. */
  long changedAt() {
    return changedAt;
  }

  /** Whether a new generation can begin without a sweep. */
  boolean hasFreeGeneration() {
    return (generation + 1) % GENERATIONS != oldest;
  }

  /** A snapshot begins: entries it does not repeat end with it. */
  void begin(int clearedTiers, long now) {
    byte[] next = masks.clone();
    for (int g = 0; g < GENERATIONS; g++) {
      next[g] &= (byte) ~clearedTiers;
    }
    generation = (generation + 1) % GENERATIONS;
    next[generation] = ALL;
    masks = next;
    rebuilding = true;
    changedAt = now;
  }

  /** The snapshot is complete: what was announced before it ends. */
  void end(long now) {
    byte[] next = filled((byte) 0);
    next[generation] = ALL;
    masks = next;
    rebuilding = false;
    changedAt = now;
  }

  /** This life is over. */
  void doom(long now) {
    hidden = true;
    doomed = true;
    rebuilding = false;
    masks = filled((byte) 0);
    changedAt = now;
  }

  /** Every entry is of the present generation, or of one whose mask has been applied. */
  void swept() {
    if (!rebuilding) {
      oldest = generation;
    }
  }

  /** As {@link #swept}, while a snapshot is in progress: older entries moved to one generation. */
  void collapse() {
    oldest = generation;
    rebuilding = false;
  }
}
