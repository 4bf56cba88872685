package io.kvasir.actors.directory;

import io.kvasir.actors.directory.DirectoryMessage.Held;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * What lookups read of this node's copy: the table, and how far it may be trusted. Any thread asks;
 * {@link CopyCore} writes.
 */
final class CopyTable {
  /** Rows of one answer, so that it stays below 64 KiB. */
  static final int MAX_HELD = 128;

  private static final int HOT_COUNTERS = 4096;

  /**
   * An answer.
   *
   * @param complete whether another copy need not be asked
   * @param hot whether the chain has more copies than any
   */
  record Answer(List<Held> held, boolean complete, boolean hot) {}

  private final long selfId;
  private final DirectoryTable table;
  private final HotRoots hotRoots;
  private volatile Placement placement = Placement.NOWHERE;
  private volatile boolean complete;
  private volatile Set<Long> hot = Set.of();

  CopyTable(long selfId, DirectoryTable table, int hotLookupsPerSecond) {
    this.selfId = selfId;
    this.table = table;
    // Counts are halved each second, so a steady rate shows as twice itself.
    this.hotRoots = new HotRoots(HOT_COUNTERS, 2 * hotLookupsPerSecond);
  }

  DirectoryTable table() {
    return table;
  }

  HotRoots hotRoots() {
    return hotRoots;
  }

  Placement placement() {
    return placement;
  }

  void placement(Placement now) {
    placement = now;
  }

  void complete(boolean now) {
    complete = now;
  }

  void hot(Set<Long> roots) {
    hot = Set.copyOf(roots);
  }

  /**
   * Answers at once.
   *
   * @param view the set of copies the asker sees
   * @param count whether this is the first part of a lookup
   */
  Answer answer(long view, long root, long[] keys, boolean count) {
    if (count) {
      hotRoots.touch(root);
    }
    boolean trusted = complete;
    Placement now = placement;
    Hits hits = table.find(keys);
    // A further copy of a hot root is told of it later than of its nodes.
    boolean whole = now.keeps(selfId, root) ? trusted : hits.count() > 0;
    return new Answer(held(hits), whole && now.view() == view, hot.contains(root));
  }

  private static List<Held> held(Hits hits) {
    List<Held> held = new ArrayList<>();
    for (int o = 0; o < hits.count(); o++) {
      for (int t = 0; t < Hits.TIERS && held.size() < MAX_HELD; t++) {
        long[] bits = hits.bits(o, t);
        if (bits != null) {
          Owner owner = hits.owner(o);
          held.add(new Held(owner.nodeId(), owner.incarnation(), t, trimmed(bits)));
        }
      }
    }
    return held;
  }

  private static long[] trimmed(long[] bits) {
    int length = bits.length;
    while (length > 0 && bits[length - 1] == 0) {
      length--;
    }
    return length == bits.length ? bits : Arrays.copyOf(bits, length);
  }
}
