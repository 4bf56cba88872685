package io.kvasir.runtime.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.PageEncoding;

/**
 * A small cache on a {@link HeapPageDevice} and a fake K/V writer: the eight bytes of an entry in
 * one layer and head are a stamp mixed with layer and head.
 */
final class CacheFixture implements AutoCloseable {
  static final int SLOTS = 16;
  static final int HEADS = 2;
  static final FrameLayout FRAME = new FrameLayout(PageEncoding.BF16, SLOTS, 2, 2, true);
  static final KeyDomain DOMAIN =
      KeyDomain.builder(BlockKind.PREFIX).model("test").arithmetic("none").build();

  final HeapPageDevice device = new HeapPageDevice();
  final CacheLayout layout;
  final KvCache cache;
  long nowNs;
  private final KvWritePlan plan = new KvWritePlan();
  private long owners;

  CacheFixture(CacheLayout layout, long arenaBytes) {
    this(layout, arenaBytes, BlockListener.NONE);
  }

  CacheFixture(CacheLayout layout, long arenaBytes, BlockListener listener) {
    this.layout = layout;
    CacheOptions options =
        CacheOptions.of(arenaBytes).withSlots(SLOTS).withMaxSequences(64).withClock(() -> nowNs);
    cache = KvCache.open(device, layout, DOMAIN, options, listener);
    plan.layout = FRAME;
    plan.kvHeadCount = HEADS;
  }

  /** One full group of two layers: pages of 512 bytes. */
  static CacheLayout oneGroup() {
    return CacheLayout.builder(2).group(new int[] {0, 1}, HEADS, FRAME, 0, "g0").build();
  }

  /** A full group of two layers and a window group of three, interleaved; layer 5 is an alias. */
  static CacheLayout twoGroups(int window) {
    return CacheLayout.builder(6)
        .group(new int[] {0, 2}, HEADS, FRAME, 0, "g0")
        .group(new int[] {1, 3, 4}, HEADS, FRAME, window, "g1")
        .alias(5, 2)
        .build();
  }

  SequenceCache open() {
    return open("tenant");
  }

  SequenceCache open(String tenant) {
    return cache.newSequence(++owners, tenant, nowNs + 1000);
  }

  static long mix(long stamp, int layer, int head) {
    long x = stamp + 0x9E3779B97F4A7C15L * (layer * 31L + head + 1);
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }

  /** Writes the stamp of one entry in every head of every layer of a group. */
  void write(SequenceCache sequence, int group, int entry, long stamp) {
    LayerGroup g = layout.group(group);
    for (int i = 0; i < g.layerCount(); i++) {
      sequence.writeTarget(g.layer(i), entry, plan, 3);
      store(g.layer(i), 3, stamp);
    }
  }

  /** Overwrites one list entry per head of one layer of head pages. */
  void writeHeads(SequenceCache sequence, int layer, int[] entries, long stamp) {
    sequence.writeTarget(layer, entries, plan, 1);
    store(layer, 1, stamp);
  }

  private void store(int layer, int write, long stamp) {
    for (int head = 0; head < HEADS; head++) {
      put(plan.frame[write * HEADS + head], plan.slot[write * HEADS + head], layer, head, stamp);
    }
  }

  private void put(long frame, int slot, int layer, int head, long stamp) {
    byte[] bytes = HeapPageDevice.bytes(cache.memory());
    long value = mix(stamp, layer, head);
    for (int b = 0; b < 8; b++) {
      bytes[address(frame, slot, b)] = (byte) (value >>> 8 * b);
    }
  }

  /** Byte b of an entry: bytes 0–3 are K (channel-major), 4–7 are V (slot-major). */
  private static int address(long frame, int slot, int b) {
    return (int) frame
        + (b < 4
            ? ((b / 2) * SLOTS + slot) * 2 + b % 2
            : (int) FRAME.keyBytes() + slot * 4 + (b - 4));
  }

  long read(KvView view, int head, int ordinal) {
    byte[] bytes = HeapPageDevice.bytes(cache.memory());
    long frame = view.frameAddress(head, ordinal / SLOTS);
    long value = 0;
    for (int b = 0; b < 8; b++) {
      value |= (bytes[address(frame, ordinal % SLOTS, b)] & 0xFFL) << 8 * b;
    }
    return value;
  }

  void assertEntry(KvView view, int layer, int head, int ordinal, long stamp, String where) {
    if (read(view, head, ordinal) != mix(stamp, layer, head)) {
      assertEquals(
          Long.toHexString(mix(stamp, layer, head)),
          Long.toHexString(read(view, head, ordinal)),
          where + " layer " + layer + " head " + head + " ordinal " + ordinal);
    }
  }

  /** Stamps of tokens: each depends on all tokens before it, as KV does. */
  static long[] stamps(int[] tokens, int count) {
    long[] stamps = new long[count];
    long hash = 17;
    for (int i = 0; i < count; i++) {
      hash = mix(hash, tokens[i], 7);
      stamps[i] = hash;
    }
    return stamps;
  }

  /** Reserves, writes, commits and seals tokens [committed, count). */
  void compute(SequenceCache sequence, int[] tokens, int count) {
    int from = sequence.tokenCount();
    long[] stamps = stamps(tokens, count);
    if (!sequence.reserve(count - from)) {
      throw new IllegalStateException("the test arena is too small");
    }
    for (int g = 0; g < layout.groupCount(); g++) {
      for (int e = from; e < count; e++) {
        write(sequence, g, e, stamps[e]);
      }
    }
    sequence.commit();
    sequence.sealTokens(tokens, from, count);
  }

  /** Checks every held entry of a token-paged sequence against its tokens. */
  void assertContent(SequenceCache sequence, int[] tokens, int count) {
    long[] stamps = stamps(tokens, count);
    for (int layer = 0; layer < layout.layerCount(); layer++) {
      KvView view = sequence.view(layer);
      int dropped = sequence.dropped(layout.groupOf(layer));
      assertEquals(count - dropped, view.entryCounts[0]);
      for (int head = 0; head < HEADS; head++) {
        for (int e = dropped; e < count; e++) {
          assertEntry(view, layout.ownerLayer(layer), head, e - dropped, stamps[e], "content");
        }
      }
    }
  }

  void assertNothingHeld() {
    assertEquals(0, cache.leaseCount(), "leases");
    assertEquals(0, cache.referencedBytes(), "referenced bytes");
    cache.evictUnreferenced();
    assertEquals(0, cache.usedBytes(), "used bytes after evicting");
    assertEquals(0, cache.stats().blocks(), "blocks after evicting");
  }

  @Override
  public void close() {
    cache.close();
    assertEquals(0, device.openPages);
    assertEquals(0, device.openFloats);
  }
}
