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
  private final BlockStore store;
  private final long layerBytes;
  private long[] pages = new long[8];
  private long[] addresses = new long[8];
  private int firstPage;
  private int pageCount;

  /** Whether every committed entry's index is its number. */
  private boolean identity = true;

  TokenTable(KvCache cache, LayerGroup group) {
    super(cache, group);
    store = cache.store;
    layerBytes = group.layerBytes();
    side = new SideTable(cache.layout().positionAxes());
  }

  @Override
  int firstEntry() {
    return firstPage * slots;
  }

  boolean isIdentity() {
    return identity;
  }

  int firstPage() {
    return firstPage;
  }

  int pageCount() {
    return pageCount;
  }

  long page(int page) {
    return pages[page];
  }

  /** Shares blocks of the prefix index: pages [first, first + count). Only on an empty table. */
  void attach(int first, int end, int[] blocks) {
    for (int page = 0; page < end; page++) {
      append(page < first ? 0 : store.retain(blocks[page]));
    }
    firstPage = first;
    committed = end * slots;
    nextIndex = committed;
  }

  /** Shares every page of another table, partial ones included. Only on an empty table. */
  void share(TokenTable other) {
    for (int page = 0; page < other.firstPage; page++) {
      append(0);
    }
    firstPage = other.firstPage;
    int end = (other.committed + slots - 1) / slots;
    for (int page = firstPage; page < end; page++) {
      append(store.retain(SlotTable.slot(other.pages[page])));
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

  private void append(long handle) {
    if (pageCount == pages.length) {
      pages = Arrays.copyOf(pages, 2 * pageCount);
      addresses = Arrays.copyOf(addresses, 2 * pageCount);
    }
    pages[pageCount] = handle;
    addresses[pageCount] = handle == 0 ? 0 : store.address(handle);
    pageCount++;
  }

  @Override
  int pagesNeeded(int entries) {
    int end = (committed + reserved + entries + slots - 1) / slots;
    return Math.max(0, end - pageCount) + (entries > 0 && lastPageShared() ? 1 : 0);
  }

  /** A partly filled page is shared only after a fork. */
  private boolean lastPageShared() {
    int next = committed + reserved;
    return next % slots != 0 && !store.isWritable(pages[next / slots]);
  }

  @Override
  boolean reserve(int entries) {
    int next = committed + reserved;
    if (entries > 0 && lastPageShared() && !copyPage(next / slots)) {
      return false;
    }
    int before = pageCount;
    int end = (next + entries + slots - 1) / slots;
    while (pageCount < end) {
      long handle = store.allocate(group.id());
      if (handle == 0) {
        trim(before);
        return false;
      }
      append(handle);
    }
    side.append(next - firstEntry(), entries, nextIndex + reserved);
    reserved += entries;
    return true;
  }

  @Override
  void unreserve(int entries) {
    reserved -= entries;
    trim((committed + reserved + slots - 1) / slots);
  }

  @Override
  void commit(int entries) {
    int from = committed;
    committed += entries;
    reserved = 0;
    trim((committed + slots - 1) / slots);
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
    copyEntry(addresses[from / slots], from % slots, addresses[to / slots], to % slots);
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
    for (int page = Math.max(firstPage, Math.max(0, entries) / slots); page < pageCount; page++) {
      store.discardWhenReleased(pages[page]);
    }
  }

  private void trim(int end) {
    while (pageCount > end) {
      pageCount--;
      if (pages[pageCount] != 0) {
        store.release(pages[pageCount]);
        pages[pageCount] = 0;
      }
    }
  }

  @Override
  boolean makeWritable(int from, int to) {
    if (from >= to) {
      return true;
    }
    checkEntry(from, firstEntry(), committed + reserved);
    checkEntry(to - 1, firstEntry(), committed + reserved);
    for (int page = from / slots; page <= (to - 1) / slots; page++) {
      if (!store.isWritable(pages[page]) && !copyPage(page)) {
        return false;
      }
    }
    return true;
  }

  /** Whether an entry range touches a page that other sequences may hit by key. */
  boolean touchesSealed(int from, int to) {
    for (int page = from / slots; from < to && page <= (to - 1) / slots; page++) {
      if (store.isSealed(pages[page])) {
        return true;
      }
    }
    return false;
  }

  private boolean copyPage(int page) {
    long copy = store.allocate(group.id());
    if (copy == 0) {
      return false;
    }
    long target = store.address(copy);
    cache.device.copyPages(store.memory(), addresses[page], target, group.pageBytes());
    store.release(pages[page]);
    pages[page] = copy;
    addresses[page] = target;
    cache.copiedPages++;
    return true;
  }

  /** Gives a full page its key; the page may be replaced by an equal block. */
  void seal(int page, long keyHigh, long keyLow) {
    long block = store.seal(pages[page], keyHigh, keyLow);
    if (block == pages[page]) {
      cache.sealedBlocks++;
    } else {
      cache.duplicateBlocks++;
      pages[page] = block;
      addresses[page] = store.address(block);
    }
  }

  /** Releases leading pages whose entries all have an index below {@code index}. */
  void dropBefore(int index) {
    int end = firstPage;
    int full = committed / slots;
    int first = firstEntry();
    while (end < full && largestIndex(end, first) < index) {
      end++;
    }
    if (end == firstPage) {
      return;
    }
    for (int page = end - 1; page >= firstPage; page--) {
      store.release(pages[page]);
      pages[page] = 0;
    }
    side.shift((end - firstPage) * slots, committed + reserved - first);
    firstPage = end;
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
    int endPage = (first + keep.length + slots - 1) / slots;
    int[] need = cache.scratchNeed();
    for (int page = fromPage; page < endPage; page++) {
      need[group.id()] += store.isWritable(pages[page]) ? 0 : 1;
    }
    if (need[group.id()] > 0 && !store.canAllocate(need)) {
      return false;
    }
    side.materialiseIndex(committed - first, first);
    long[] target = new long[endPage];
    for (int page = fromPage; page < endPage; page++) {
      target[page] = store.isWritable(pages[page]) ? pages[page] : store.allocate(group.id());
    }
    cache.copies.begin(group.frame());
    for (int i = fromPage * slots - first; i < keep.length; i++) {
      int to = first + i;
      long page = target[to / slots];
      if (keep[i] != to || page != pages[to / slots]) {
        copyEntry(addresses[keep[i] / slots], keep[i] % slots, store.address(page), to % slots);
      }
      side.move(keep[i] - first, i);
    }
    cache.copies.flush();
    for (int page = pageCount - 1; page >= fromPage; page--) {
      if (page >= endPage || target[page] != pages[page]) {
        store.release(pages[page]);
        pages[page] = page < endPage ? target[page] : 0;
        addresses[page] = page < endPage ? store.address(target[page]) : 0;
      }
    }
    pageCount = endPage;
    committed = first + keep.length;
    // Implicit indices would also say that the next entry's index is its number.
    identity &= untouched == keep.length && nextIndex == committed;
    if (identity) {
      side.dropIndex(keep.length);
    }
    return true;
  }

  @Override
  void fillView(KvView view, int layerOrdinal) {
    int first = firstEntry();
    int count = committed + reserved - first;
    view.frames = addresses;
    view.framesStart = firstPage;
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
    long base = addresses[page] + layerOrdinal * layerBytes;
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
    return addresses[entry / slots] + layerOrdinal * layerBytes + head * frameBytes;
  }

  @Override
  GroupSnapshot export() {
    int count = committed - firstEntry();
    int end = (committed + slots - 1) / slots;
    byte[][] bytes = new byte[end - firstPage][];
    for (int page = firstPage; page < end; page++) {
      bytes[page - firstPage] = GroupSnapshot.download(cache, addresses[page], group.pageBytes());
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
    for (int page = 0; page < snapshot.firstEntry() / slots; page++) {
      append(0);
    }
    firstPage = pageCount;
    for (byte[] bytes : snapshot.pages()) {
      long handle = store.allocate(group.id());
      if (handle == 0) {
        return false;
      }
      append(handle);
      GroupSnapshot.upload(cache, bytes, addresses[pageCount - 1]);
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
    trim(0);
    committed = 0;
    reserved = 0;
    firstPage = 0;
  }
}
