package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import java.util.Arrays;

/**
 * Head pages: one list of frames for each layer and head of the group, private to the sequence,
 * lists of different lengths. The order of entries is the order of slots. Reserved entries are
 * appended to every list alike; entry {@code committed + i} means the i-th reserved entry of each
 * list, and {@code committed} is the length of the longest list.
 */
final class HeadTable extends GroupTable {
  private final FramePool pool;
  private final int lists;
  private final int[] count;
  private final FrameLists frames;
  private final SideTable[] side;

  HeadTable(KvCache cache, LayerGroup group) {
    super(cache, group);
    pool = cache.framePools[group.id()];
    lists = group.framesPerPage();
    count = new int[lists];
    frames = new FrameLists(pool, lists, slots);
    side = new SideTable[lists];
    for (int list = 0; list < lists; list++) {
      side[list] = new SideTable(cache.layout().positionAxes());
      side[list].materialiseIndex(0, 0);
    }
  }

  /**
   * Gathers the kept entries of a table into a new one; the old table is left as it was.
   *
   * @param keep [layer of the group][head] ascending entries; null, also inside, keeps all
   * @return null when pages ran out
   */
  static HeadTable gather(GroupTable from, int[][][] keep) {
    HeadTable to = new HeadTable(from.cache, from.group);
    int first = from.firstEntry();
    to.nextIndex = from.nextIndex;
    int[] wanted = new int[to.lists];
    for (int list = 0; list < to.lists; list++) {
      int[] entries = kept(keep, list / to.heads, list % to.heads);
      int all = from.entryCount(list / to.heads, list % to.heads);
      wanted[list] = entries == null ? all - first : checkKeep(entries, first, all).length;
    }
    int[] need = from.cache.scratchNeed();
    need[from.group.id()] = to.pool.pagesFor(to.framesFor(wanted));
    if (!from.cache.store.canAllocate(need) || !to.grow(wanted)) {
      to.close();
      return null;
    }
    from.cache.copies.begin(from.group.frame());
    for (int list = 0; list < to.lists; list++) {
      int layer = list / to.heads;
      int head = list % to.heads;
      SideTable source = sideOf(from, list);
      to.side[list].append(0, wanted[list], 0);
      if (source.hasPosition()) {
        to.side[list].materialisePosition(wanted[list], 0);
      }
      if (source.hasLogWeight()) {
        to.side[list].materialiseLogWeight(wanted[list]);
      }
      int[] entries = kept(keep, layer, head);
      for (int i = 0; i < wanted[list]; i++) {
        int entry = entries == null ? first + i : entries[i];
        from.cache.copies.add(
            from.frameOf(layer, head, entry),
            entry % from.slots,
            to.frames.address(list, i),
            i % to.slots);
        to.side[list].copyFrom(source, entry - first, i, first);
      }
      to.count[list] = wanted[list];
    }
    from.cache.copies.flush();
    to.committed = to.longest();
    return to;
  }

  private static SideTable sideOf(GroupTable table, int list) {
    return switch (table) {
      case TokenTable t -> t.side;
      case HeadTable h -> h.side[list];
    };
  }

  private static int[] kept(int[][][] keep, int layer, int head) {
    return keep == null || keep[layer] == null ? null : keep[layer][head];
  }

  private static int[] checkKeep(int[] entries, int first, int end) {
    int last = first - 1;
    for (int entry : entries) {
      if (entry <= last || entry >= end) {
        throw new IllegalArgumentException(
            "kept entry " + entry + " must be above " + last + " and below " + end);
      }
      last = entry;
    }
    return entries;
  }

  /**
   * Keeps only the given entries of each list, packed to the front in place; whole frames that
   * become empty are freed.
   */
  void retain(int[][][] keep) {
    for (int list = 0; list < lists; list++) {
      int[] entries = kept(keep, list / heads, list % heads);
      if (entries != null) {
        checkKeep(entries, 0, count[list]);
      }
    }
    cache.copies.begin(group.frame());
    for (int list = 0; list < lists; list++) {
      int[] entries = kept(keep, list / heads, list % heads);
      for (int i = 0; entries != null && i < entries.length; i++) {
        if (entries[i] != i) {
          move(list, entries[i], i);
        }
      }
      count[list] = entries == null ? count[list] : entries.length;
    }
    cache.copies.flush();
    committed = longest();
    trim();
  }

  private void move(int list, int from, int to) {
    cache.copies.add(
        frames.address(list, from), from % slots, frames.address(list, to), to % slots);
    side[list].move(from, to);
  }

  private int longest() {
    int longest = 0;
    for (int n : count) {
      longest = Math.max(longest, n);
    }
    return longest;
  }

  /** Frames to take so that list i can hold {@code wanted[i]} entries. */
  private int framesFor(int[] wanted) {
    int sum = 0;
    for (int list = 0; list < lists; list++) {
      sum += frames.missing(list, wanted[list]);
    }
    return sum;
  }

  private boolean grow(int[] wanted) {
    for (int list = 0; list < lists; list++) {
      if (!frames.grow(list, wanted[list])) {
        return false;
      }
    }
    return true;
  }

  private void trim() {
    for (int list = lists - 1; list >= 0; list--) {
      frames.trim(list, count[list] + reserved);
    }
  }

  @Override
  int firstEntry() {
    return 0;
  }

  @Override
  int pagesNeeded(int entries) {
    int missing = 0;
    for (int list = 0; list < lists; list++) {
      missing += frames.missing(list, count[list] + reserved + entries);
    }
    return pool.pagesFor(missing);
  }

  @Override
  boolean reserve(int entries) {
    for (int list = 0; list < lists; list++) {
      if (!frames.grow(list, count[list] + reserved + entries)) {
        trim();
        return false;
      }
    }
    for (int list = 0; list < lists; list++) {
      side[list].append(count[list] + reserved, entries, nextIndex + reserved);
    }
    reserved += entries;
    return true;
  }

  @Override
  void unreserve(int entries) {
    reserved -= entries;
    trim();
  }

  @Override
  void commit(int entries) {
    for (int list = 0; list < lists; list++) {
      for (int i = 0; i < entries; i++) {
        nextIndex = Math.max(nextIndex, side[list].index(count[list] + i, 0) + 1);
      }
      count[list] += entries;
    }
    committed += entries;
    reserved = 0;
    trim();
  }

  @Override
  void commitPath(int[] ordinals, int length) {
    checkPath(ordinals, length);
    cache.copies.begin(group.frame());
    for (int list = 0; list < lists; list++) {
      for (int i = 0; i < length; i++) {
        if (ordinals[i] != i) {
          move(list, count[list] + ordinals[i], count[list] + i);
        }
      }
    }
    cache.copies.flush();
    commit(length);
  }

  /**
   * Commits the one reserved entry: into the slot of a victim, or appended where the victim is −1.
   *
   * @param victims [layer of the group][head] committed entry to overwrite
   */
  void commitReplacing(int[][] victims) {
    for (int list = 0; list < lists; list++) {
      checkEntry(victims[list / heads][list % heads], -1, count[list]);
    }
    cache.copies.begin(group.frame());
    for (int list = 0; list < lists; list++) {
      int victim = victims[list / heads][list % heads];
      nextIndex = Math.max(nextIndex, side[list].index(count[list], 0) + 1);
      if (victim < 0) {
        count[list]++;
      } else {
        move(list, count[list], victim);
      }
    }
    cache.copies.flush();
    reserved = 0;
    committed = longest();
    trim();
  }

  @Override
  void fillView(KvView view, int layerOrdinal) {
    int firstList = layerOrdinal * heads;
    view.frames = frames.addresses();
    view.framesStart = firstList * frames.stride();
    view.headTableStride = frames.stride();
    view.headOffsetBytes = 0;
    view.layerOffsetBytes = 0;
    view.firstIndex = 0;
    view.orderByEntry = true;
    if (view.indices == null) {
      view.indices = new int[heads][];
    }
    boolean positions = side[firstList].hasPosition();
    boolean logWeights = side[firstList].hasLogWeight();
    view.positions = !positions ? null : view.positions == null ? new int[heads][] : view.positions;
    view.logWeights =
        !logWeights ? null : view.logWeights == null ? new float[heads][] : view.logWeights;
    for (int head = 0; head < heads; head++) {
      SideTable list = side[firstList + head];
      view.entryCounts[head] = count[firstList + head] + reserved;
      view.indices[head] = list.indices();
      if (positions) {
        view.positions[head] = list.positions();
      }
      if (logWeights) {
        view.logWeights[head] = list.logWeights();
      }
    }
  }

  @Override
  void writeTarget(int layerOrdinal, int entry, KvWritePlan plan, int write) {
    for (int head = 0; head < heads; head++) {
      writeTarget(layerOrdinal, head, listEntry(layerOrdinal * heads + head, entry), plan, write);
    }
  }

  void writeTarget(int layerOrdinal, int head, int entry, KvWritePlan plan, int write) {
    int list = layerOrdinal * heads + head;
    checkEntry(entry, 0, count[list] + reserved);
    plan.frame[write * heads + head] = frames.address(list, entry);
    plan.slot[write * heads + head] = entry % slots;
  }

  /** Entry {@code committed + i} is every list's i-th reserved one; others are list entries. */
  private int listEntry(int list, int entry) {
    return entry < committed
        ? checkEntry(entry, 0, count[list])
        : count[list] + checkEntry(entry, 0, committed + reserved) - committed;
  }

  @Override
  void setIndex(int entry, int value) {
    for (int list = 0; list < lists; list++) {
      setIndex(list, listEntry(list, entry), value);
    }
  }

  void setIndex(int layerOrdinal, int head, int entry, int value) {
    int list = layerOrdinal * heads + head;
    setIndex(list, checkEntry(entry, 0, count[list] + reserved), value);
  }

  private void setIndex(int list, int entry, int value) {
    side[list].setIndex(entry, value);
    if (entry < count[list]) {
      nextIndex = Math.max(nextIndex, value + 1);
    }
  }

  @Override
  void setPosition(int entry, int axis, int value) {
    for (int list = 0; list < lists; list++) {
      setPosition(list / heads, list % heads, listEntry(list, entry), axis, value);
    }
  }

  void setPosition(int layerOrdinal, int head, int entry, int axis, int value) {
    for (int list = 0; list < lists; list++) {
      side[list].materialisePosition(count[list] + reserved, 0);
    }
    int list = layerOrdinal * heads + head;
    side[list].setPosition(checkEntry(entry, 0, count[list] + reserved), axis, value);
  }

  @Override
  void setLogWeight(int entry, float value) {
    for (int list = 0; list < lists; list++) {
      setLogWeight(list / heads, list % heads, listEntry(list, entry), value);
    }
  }

  void setLogWeight(int layerOrdinal, int head, int entry, float value) {
    for (int list = 0; list < lists; list++) {
      side[list].materialiseLogWeight(count[list] + reserved);
    }
    int list = layerOrdinal * heads + head;
    side[list].setLogWeight(checkEntry(entry, 0, count[list] + reserved), value);
  }

  @Override
  int entryCount(int layerOrdinal, int head) {
    return count[layerOrdinal * heads + head];
  }

  @Override
  int index(int layerOrdinal, int head, int entry) {
    int list = layerOrdinal * heads + head;
    return side[list].index(checkEntry(entry, 0, count[list] + reserved), 0);
  }

  @Override
  long frameOf(int layerOrdinal, int head, int entry) {
    return frames.address(layerOrdinal * heads + head, entry);
  }

  @Override
  boolean makeWritable(int from, int to) {
    return true;
  }

  @Override
  GroupSnapshot export() {
    int total = 0;
    for (int list = 0; list < lists; list++) {
      total += (count[list] + slots - 1) / slots;
    }
    byte[][] bytes = new byte[total][];
    int[][] indices = new int[lists][];
    int[][] positions = new int[lists][];
    float[][] logWeights = new float[lists][];
    int next = 0;
    for (int list = 0; list < lists; list++) {
      for (int f = 0; f * slots < count[list]; f++) {
        bytes[next++] = GroupSnapshot.download(cache, frames.address(list, f * slots), frameBytes);
      }
      indices[list] = side[list].copyIndices(count[list]);
      positions[list] = side[list].copyPositions(count[list]);
      logWeights[list] = side[list].copyLogWeights(count[list]);
    }
    return new GroupSnapshot(
        true, 0, nextIndex, count.clone(), bytes, indices, positions, logWeights);
  }

  /** Fills an empty table from a snapshot; false when pages ran out (close the table then). */
  boolean load(GroupSnapshot snapshot) {
    if (!grow(snapshot.counts())) {
      return false;
    }
    int next = 0;
    for (int list = 0; list < lists; list++) {
      count[list] = snapshot.counts()[list];
      for (int f = 0; f * slots < count[list]; f++) {
        GroupSnapshot.upload(cache, snapshot.pages()[next++], frames.address(list, f * slots));
      }
      side[list].load(
          snapshot.indices()[list].clone(),
          GroupSnapshot.copy(snapshot.positions()[list]),
          GroupSnapshot.copy(snapshot.logWeights()[list]));
    }
    nextIndex = snapshot.nextIndex();
    committed = longest();
    return true;
  }

  @Override
  void close() {
    Arrays.fill(count, 0);
    committed = 0;
    reserved = 0;
    trim();
  }
}
