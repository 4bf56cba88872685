package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import java.util.Arrays;

/**
 * Token pages: page p holds entries [p × slots, (p + 1) × slots) of all layers and heads. Pages may
 * be shared blocks; they are copied before they are written. Entries keep their number for the life
 * of the sequence, also when leading pages have been dropped.
 */
final class TokenTable extends GroupTable {
  final SideTable side;
  private final long layerBytes;
  private final PageList pages;

  /** Whether every committed entry's index is its number. */
  private boolean identity = true;

  TokenTable(KvCache cache, LayerGroup group) {
    super(cache, group);
    pages = new PageList(cache, group);
    layerBytes = group.layerBytes();
    side = new SideTable(cache.layout().positionAxes());
  }

  @Override
  int firstEntry() {
    return pages.first() * slots;
  }

  int firstPage() {
    return pages.first();
  }

  /** Shares blocks of the prefix index: pages [first, end). Only on an empty table. */
  void attach(int first, int end, int[] blocks) {
    pages.appendHoles(first);
    for (int page = first; page < end; page++) {
      pages.append(cache.store.retain(blocks[page]));
    }
    committed = end * slots;
    nextIndex = committed;
  }

  /** Shares every page of another table, partial ones included. Only on an empty table. */
  void share(TokenTable other) {
    pages.appendHoles(other.pages.first());
    for (int page = other.pages.first(); page < other.pages.end(); page++) {
      pages.append(cache.store.retain(SlotTable.slot(other.pages.handle(page))));
    }
    committed = other.committed;
    nextIndex = other.nextIndex;
    identity = other.identity;
    int count = committed - firstEntry();
    side.load(
        other.side.copyIndices(count),
        other.side.copyPositions(count),
        other.side.copyLogWeights(count));
  }

  private int pagesFor(int entries) {
    return (entries + slots - 1) / slots;
  }

  @Override
  int pagesNeeded(int entries) {
    int fresh = Math.max(0, pagesFor(committed + reserved + entries) - pages.end());
    return fresh + (entries > 0 && lastPageShared() ? 1 : 0);
  }

  /** A partly filled page is shared only after a fork. */
  private boolean lastPageShared() {
    int next = committed + reserved;
    return next % slots != 0 && !pages.isWritable(next / slots);
  }

  @Override
  boolean reserve(int entries) {
    int next = committed + reserved;
    if (entries > 0 && lastPageShared() && !pages.makePrivate(next / slots)) {
      return false;
    }
    if (!pages.grow(pagesFor(next + entries))) {
      return false;
    }
    side.append(next - firstEntry(), entries, nextIndex + reserved);
    reserved += entries;
    return true;
  }

  @Override
  void unreserve(int entries) {
    reserved -= entries;
    pages.trim(pagesFor(committed + reserved));
  }

  @Override
  void commit(int entries) {
    int from = committed;
    committed += entries;
    reserved = 0;
    pages.trim(pagesFor(committed));
    afterCommit(from);
  }

  @Override
  void commitPath(int[] ordinals, int count) {
    checkPath(ordinals, count);
    cache.copies.begin(group.frame());
    for (int i = 0; i < count; i++) {
      if (ordinals[i] != i) {
        moveEntry(committed + ordinals[i], committed + i);
      }
    }
    cache.copies.flush();
    commit(count);
  }

  private void moveEntry(int from, int to) {
    copyEntry(pages.address(from / slots), from % slots, pages.address(to / slots), to % slots);
    side.move(from - firstEntry(), to - firstEntry());
  }

  private void copyEntry(long fromPage, int fromSlot, long toPage, int toSlot) {
    for (int frame = 0; frame < group.framesPerPage(); frame++) {
      long offset = frame * frameBytes;
      cache.copies.add(fromPage + offset, fromSlot, toPage + offset, toSlot);
    }
  }

  /** Keeps index bookkeeping up to date and returns to implicit indices where they say the same. */
  private void afterCommit(int from) {
    if (!side.hasIndex()) {
      nextIndex = committed;
      return;
    }
    int first = firstEntry();
    for (int entry = Math.max(from, first); entry < committed; entry++) {
      int index = side.index(entry - first, first);
      nextIndex = Math.max(nextIndex, index + 1);
      identity &= index == entry;
    }
    if (identity) {
      side.dropIndex(committed - first);
    }
  }

  /** Blocks that reach beyond the first {@code entries} entries are not worth caching. */
  void keepOnly(int entries) {
    pages.discardFrom(Math.max(0, entries) / slots);
  }

  @Override
  boolean makeWritable(int from, int to) {
    if (from >= to) {
      return true;
    }
    checkEntry(from, firstEntry(), committed + reserved);
    checkEntry(to - 1, firstEntry(), committed + reserved);
    for (int page = from / slots; page <= (to - 1) / slots; page++) {
      if (!pages.isWritable(page) && !pages.makePrivate(page)) {
        return false;
      }
    }
    return true;
  }

  /** Whether an entry range touches a page that other sequences may hit by key. */
  boolean touchesSealed(int from, int to) {
    for (int page = from / slots; from < to && page <= (to - 1) / slots; page++) {
      if (pages.isSealed(page)) {
        return true;
      }
    }
    return false;
  }

  /** Gives a full page its key; the page may be replaced by an equal block. */
  void seal(int page, long keyHigh, long keyLow, long rootHigh, long rootLow) {
    pages.seal(page, keyHigh, keyLow, rootHigh, rootLow);
  }

  /** Releases leading pages whose entries all have an index below {@code index}. */
  void dropBefore(int index) {
    int first = firstEntry();
    int end = pages.first();
    while (end < committed / slots && largestIndex(end, first) < index) {
      end++;
    }
    if (end > pages.first()) {
      pages.dropBefore(end);
      side.shift(firstEntry() - first, committed + reserved - first);
    }
  }

  private int largestIndex(int page, int first) {
    if (!side.hasIndex()) {
      return (page + 1) * slots - 1;
    }
    int largest = Integer.MIN_VALUE;
    for (int entry = page * slots; entry < (page + 1) * slots; entry++) {
      largest = Math.max(largest, side.index(entry - first, first));
    }
    return largest;
  }

  /**
   * Keeps only the given committed entries, ascending, packed to the front; they keep their logical
   * indices. Pages up to the first gap stay as they are, shared ones included; private pages are
   * packed in place. False and unchanged when pages for the rest of shared ones ran out.
   */
  boolean retain(int[] keep) {
    int first = firstEntry();
    int untouched = 0;
    while (untouched < keep.length && keep[untouched] == first + untouched) {
      untouched++;
    }
    int fromPage = (first + untouched) / slots;
    int endPage = pagesFor(first + keep.length);
    int[] need = cache.scratchNeed();
    for (int page = fromPage; page < endPage; page++) {
      need[group.id()] += pages.isWritable(page) ? 0 : 1;
    }
    if (need[group.id()] > 0 && !cache.store.canAllocate(need)) {
      return false;
    }
    long[] target = new long[endPage];
    for (int page = fromPage; page < endPage; page++) {
      target[page] = pages.isWritable(page) ? pages.handle(page) : cache.store.allocate(group.id());
    }
    side.materialiseIndex(committed - first, first);
    gather(keep, fromPage, target);
    for (int page = fromPage; page < endPage; page++) {
      if (target[page] != pages.handle(page)) {
        pages.replace(page, target[page]);
      }
    }
    pages.trim(endPage);
    committed = first + keep.length;
    // Implicit indices would also say that the next entry's index is its number.
    identity &= untouched == keep.length && nextIndex == committed;
    if (identity) {
      side.dropIndex(keep.length);
    }
    return true;
  }

  /** Copies kept entries to their new places; a place never lies behind its source. */
  private void gather(int[] keep, int fromPage, long[] target) {
    int first = firstEntry();
    cache.copies.begin(group.frame());
    for (int i = fromPage * slots - first; i < keep.length; i++) {
      int to = first + i;
      long page = target[to / slots];
      if (keep[i] != to || page != pages.handle(to / slots)) {
        copyEntry(
            pages.address(keep[i] / slots), keep[i] % slots, cache.store.address(page), to % slots);
      }
      side.move(keep[i] - first, i);
    }
    cache.copies.flush();
  }

  @Override
  void fillView(KvView view, int layerOrdinal) {
    int first = firstEntry();
    int count = committed + reserved - first;
    view.frames = pages.addresses();
    view.framesStart = pages.first();
    view.headTableStride = 0;
    view.headOffsetBytes = frameBytes;
    view.layerOffsetBytes = layerOrdinal * layerBytes;
    Arrays.fill(view.entryCounts, count);
    view.firstIndex = first;
    view.orderByEntry = false;
    view.indices = same(view.indices, side.indices());
    view.positions = same(view.positions, side.positions());
    view.logWeights = same(view.logWeights, side.logWeights());
  }

  private int[][] same(int[][] old, int[] column) {
    if (column == null) {
      return null;
    }
    int[][] all = old == null ? new int[heads][] : old;
    Arrays.fill(all, column);
    return all;
  }

  private float[][] same(float[][] old, float[] column) {
    if (column == null) {
      return null;
    }
    float[][] all = old == null ? new float[heads][] : old;
    Arrays.fill(all, column);
    return all;
  }

  @Override
  void writeTarget(int layerOrdinal, int entry, KvWritePlan plan, int write) {
    int page = entry / slots;
    long base = pages.address(page) + layerOrdinal * layerBytes;
    int slot = entry % slots;
    int at = write * heads;
    for (int head = 0; head < heads; head++) {
      plan.frame[at + head] = base + head * frameBytes;
      plan.slot[at + head] = slot;
    }
  }

  @Override
  void setIndex(int entry, int value) {
    int first = firstEntry();
    if (!side.hasIndex()) {
      if (value == entry) {
        return;
      }
      side.materialiseIndex(committed + reserved - first, first);
    }
    side.setIndex(entry - first, value);
    if (entry < committed) {
      identity &= value == entry;
      nextIndex = Math.max(nextIndex, value + 1);
    }
  }

  @Override
  void setPosition(int entry, int axis, int value) {
    int first = firstEntry();
    side.materialisePosition(committed + reserved - first, first);
    side.setPosition(entry - first, axis, value);
  }

  @Override
  void setLogWeight(int entry, float value) {
    side.materialiseLogWeight(committed + reserved - firstEntry());
    side.setLogWeight(entry - firstEntry(), value);
  }

  @Override
  int entryCount(int layerOrdinal, int head) {
    return committed;
  }

  @Override
  int index(int layerOrdinal, int head, int entry) {
    return side.index(entry - firstEntry(), firstEntry());
  }

  @Override
  long frameOf(int layerOrdinal, int head, int entry) {
    return pages.address(entry / slots) + layerOrdinal * layerBytes + head * frameBytes;
  }

  @Override
  GroupSnapshot export() {
    int count = committed - firstEntry();
    byte[][] bytes = new byte[pages.end() - pages.first()][];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = GroupSnapshot.download(cache, pages.address(pages.first() + i), group.pageBytes());
    }
    return new GroupSnapshot(
        false,
        firstEntry(),
        nextIndex,
        new int[] {committed},
        bytes,
        new int[][] {side.copyIndices(count)},
        new int[][] {side.copyPositions(count)},
        new float[][] {side.copyLogWeights(count)});
  }

  /** Fills an empty table from a snapshot; false when pages ran out (close the table then). */
  boolean load(GroupSnapshot snapshot) {
    pages.appendHoles(snapshot.firstEntry() / slots);
    for (byte[] bytes : snapshot.pages()) {
      if (!pages.grow(pages.end() + 1)) {
        return false;
      }
      GroupSnapshot.upload(cache, bytes, pages.address(pages.end() - 1));
    }
    committed = snapshot.counts()[0];
    nextIndex = snapshot.nextIndex();
    identity = snapshot.indices()[0] == null;
    side.load(
        GroupSnapshot.copy(snapshot.indices()[0]),
        GroupSnapshot.copy(snapshot.positions()[0]),
        GroupSnapshot.copy(snapshot.logWeights()[0]));
    return true;
  }

  @Override
  void close() {
    pages.close();
    committed = 0;
    reserved = 0;
  }
}
