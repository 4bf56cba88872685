package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.PageMemory;

/**
 * What is remembered of each sealed page beside its key: where it stands in which chain and, once
 * somebody moves blocks, a CRC32C of each of its layers (law 2). Indexed by page; checksums take
 * their memory when they are first wanted, so that a cache that keeps its blocks to itself pays
 * nothing. Engine thread; a note allocates nothing.
 */
final class BlockLedger {
  private final CacheLayout layout;
  private final Device device;
  private final PageMemory memory;
  private final long[] rootHigh;
  private final long[] rootLow;
  private final int[] chainIndex;
  private final int stride;

  /** Null until {@link #startSumming}: [page][layer of its group]. */
  private int[] checksums;

  private boolean[] summed;

  BlockLedger(int pages, CacheLayout layout, Device device, PageMemory memory) {
    this.layout = layout;
    this.device = device;
    this.memory = memory;
    rootHigh = new long[pages];
    rootLow = new long[pages];
    chainIndex = new int[pages];
    int most = 0;
    for (int g = 0; g < layout.groupCount(); g++) {
      most = Math.max(most, layout.group(g).layerCount());
    }
    stride = most;
  }

  /** From here on every block gets its checksums when it is sealed. */
  void startSumming() {
    if (checksums == null) {
      checksums = new int[Math.multiplyExact(rootHigh.length, stride)];
      summed = new boolean[rootHigh.length];
    }
  }

  /** A page of {@code group} at {@code address} was sealed. */
  void sealed(int page, int group, long address, long high, long low, int index) {
    place(page, high, low, index);
    if (checksums != null) {
      sum(page, group, address);
    }
  }

  /** The same for a page whose checksums were just proven. */
  void sealedAs(int page, long high, long low, int index, int[] proven) {
    place(page, high, low, index);
    if (checksums != null) {
      System.arraycopy(proven, 0, checksums, page * stride, proven.length);
      summed[page] = true;
    }
  }

  private void place(int page, long high, long low, int index) {
    rootHigh[page] = high;
    rootLow[page] = low;
    chainIndex[page] = index;
    if (summed != null) {
      summed[page] = false;
    }
  }

  private void sum(int page, int group, long address) {
    LayerGroup of = layout.group(group);
    device.checksumPages(
        memory, address, of.layerBytes(), of.layerCount(), checksums, page * stride);
    summed[page] = true;
  }

  /**
   * Copies the layer checksums of a sealed page. One that was sealed before anybody asked for
   * checksums gets them now.
   */
  int[] checksums(int page, int group, long address) {
    startSumming();
    if (!summed[page]) {
      sum(page, group, address);
    }
    int[] copy = new int[layout.group(group).layerCount()];
    System.arraycopy(checksums, page * stride, copy, 0, copy.length);
    return copy;
  }

  long rootHigh(int page) {
    return rootHigh[page];
  }

  long rootLow(int page) {
    return rootLow[page];
  }

  int chainIndex(int page) {
    return chainIndex[page];
  }
}
