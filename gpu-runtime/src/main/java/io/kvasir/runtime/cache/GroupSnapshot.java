package io.kvasir.runtime.cache;

import java.lang.foreign.MemorySegment;

/**
 * The pages and side tables of one group in an exported sequence. Arrays belong to the snapshot.
 *
 * @param headPages false: token pages in entry order; true: frames list by list, lists ordered
 *     [layer of the group][head]
 * @param firstEntry entries dropped before the first page
 * @param nextIndex index of the next entry unless set
 * @param counts committed entries: one number for token pages, one per list for head pages
 * @param pages bytes of each page or frame
 * @param indices per list, or null for the default; likewise positions and logWeights
 */
record GroupSnapshot(
    boolean headPages,
    int firstEntry,
    int nextIndex,
    int[] counts,
    byte[][] pages,
    int[][] indices,
    int[][] positions,
    float[][] logWeights) {

  /** Enqueues a download; the bytes are there after the device's next await. */
  static byte[] download(KvCache cache, long address, long lengthBytes) {
    byte[] bytes = new byte[Math.toIntExact(lengthBytes)];
    cache.device.downloadPages(cache.store.memory(), address, MemorySegment.ofArray(bytes));
    return bytes;
  }

  static void upload(KvCache cache, byte[] bytes, long address) {
    cache.device.uploadPages(MemorySegment.ofArray(bytes), cache.store.memory(), address);
  }

  static int[] copy(int[] values) {
    return values == null ? null : values.clone();
  }

  static float[] copy(float[] values) {
    return values == null ? null : values.clone();
  }

  long bytes() {
    long sum = 0;
    for (byte[] page : pages) {
      sum += page.length;
    }
    return sum;
  }
}
