package io.kvasir.runtime.cache;

import java.util.Arrays;

/**
 * References of one sequence to the token pages of one group, in entry order, with their addresses
 * side by side as a device reads them. Leading pages may be gone (holes); page numbers stay.
 */
final class PageList {
  private final KvCache cache;
  private final BlockStore store;
  private final LayerGroup group;
  private long[] pages = new long[8];
  private long[] addresses = new long[8];
  private int first;
  private int count;

  PageList(KvCache cache, LayerGroup group) {
    this.cache = cache;
    this.group = group;
    store = cache.store;
  }

  /** First page that is held. */
  int first() {
    return first;
  }

  /** One past the last page. */
  int end() {
    return count;
  }

  long handle(int page) {
    return pages[page];
  }

  long address(int page) {
    return addresses[page];
  }

  /** The addresses by page number; replaced when the list grows. */
  long[] addresses() {
    return addresses;
  }

  boolean isWritable(int page) {
    return store.isWritable(pages[page]);
  }

  boolean isSealed(int page) {
    return store.isSealed(pages[page]);
  }

  /** Appends a page whose reference the list takes over; 0 for a hole. */
  void append(long handle) {
    if (count == pages.length) {
      pages = Arrays.copyOf(pages, 2 * count);
      addresses = Arrays.copyOf(addresses, 2 * count);
    }
    pages[count] = handle;
    addresses[count] = handle == 0 ? 0 : store.address(handle);
    count++;
  }

  /** Starts an empty list with {@code holes} pages that are gone. */
  void appendHoles(int holes) {
    for (int i = 0; i < holes; i++) {
      append(0);
    }
    first = count;
  }

  /**
   * Appends private pages up to page number {@code end}; false and unchanged when pages ran out.
   */
  boolean grow(int end) {
    int before = count;
    while (count < end) {
      long handle = store.allocate(group.id());
      if (handle == 0) {
        trim(before);
        return false;
      }
      append(handle);
    }
    return true;
  }

  /** Releases pages from number {@code end} on, the last first. */
  void trim(int end) {
    while (count > end) {
      count--;
      if (pages[count] != 0) {
        store.release(pages[count]);
        pages[count] = 0;
      }
    }
  }

  /** Blocks from page number {@code from} on go with their last reference instead of staying. */
  void discardFrom(int from) {
    for (int page = Math.max(first, from); page < count; page++) {
      store.discardWhenReleased(pages[page]);
    }
  }

  /** Releases the leading pages before number {@code end}. */
  void dropBefore(int end) {
    for (int page = end - 1; page >= first; page--) {
      store.release(pages[page]);
      pages[page] = 0;
    }
    first = end;
  }

  /** Puts another page in the place of one, whose reference is released. */
  void replace(int page, long handle) {
    store.release(pages[page]);
    set(page, handle);
  }

  /** Gives a page its key; an equal block may take its place. */
  void seal(int page, long keyHigh, long keyLow, long rootHigh, long rootLow) {
    long block = store.seal(pages[page], keyHigh, keyLow, rootHigh, rootLow, page);
    if (block == pages[page]) {
      cache.sealedBlocks++;
    } else {
      cache.duplicateBlocks++;
      set(page, block);
    }
  }

  private void set(int page, long handle) {
    pages[page] = handle;
    addresses[page] = store.address(handle);
  }

  /** Copies a shared page into a private one; false when pages ran out. */
  boolean makePrivate(int page) {
    long copy = store.allocate(group.id());
    if (copy == 0) {
      return false;
    }
    cache.device.copyPages(store.memory(), addresses[page], store.address(copy), group.pageBytes());
    replace(page, copy);
    cache.copiedPages++;
    return true;
  }

  /** Releases everything, the last first. */
  void close() {
    trim(0);
    first = 0;
  }
}
