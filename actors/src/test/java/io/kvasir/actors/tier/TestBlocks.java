package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.transport.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;

/** Keys, shapes and bytes of blocks for tests; a block's bytes follow from its key. */
public final class TestBlocks {
  public static final int SLOTS = 4;
  public static final BlockShape.Group FULL = new BlockShape.Group(1024, 4, 0, 3);
  public static final BlockShape.Group WINDOW = new BlockShape.Group(256, 2, 2 * SLOTS, 3);
  public static final BlockShape PLAIN =
      new BlockShape("0123456789abcdef0123456789abcdef", SLOTS, List.of(FULL));
  public static final BlockShape GROUPED =
      new BlockShape("00112233445566778899aabbccddeeff", SLOTS, List.of(FULL, WINDOW));

  /** Hears of a tier's blocks and tells nobody. */
  static final SlotTable.Listener UNTOLD =
      new SlotTable.Listener() {
        @Override
        public void added(BlockPlace place) {}

        @Override
        public void removed(BlockId id) {}
      };

  private TestBlocks() {}

  /** An empty tier of 64 KiB that works on its callers' threads and tells nobody. */
  static HostTier host(BlockShape shape, LongSupplier clock) {
    AtomicInteger regions = new AtomicInteger();
    return new HostTier(
        shape,
        1 << 16,
        64,
        (arena, bytes, slotBytes) -> region(regions.getAndIncrement(), arena, bytes, slotBytes),
        Runnable::run,
        clock,
        UNTOLD);
  }

  public static KeyScheme scheme(BlockShape shape) {
    byte[][] domains = new byte[shape.groups().size()][];
    for (int group = 0; group < domains.length; group++) {
      domains[group] = new byte[16];
      domains[group][0] = (byte) (1 + group);
    }
    return new KeyScheme(shape.slots(), List.of(domains));
  }

  /** Keys of a prompt whose tokens follow from a seed; equal seeds share all, others nothing. */
  public static BlockKeys keys(BlockShape shape, String salt, int seed, int blocks) {
    int[] tokens = new int[blocks * shape.slots()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = seed * 1_000_003 + i;
    }
    return scheme(shape).keys(salt, tokens, tokens.length);
  }

  static Region region(int id, Arena arena, long bytes, int slotBytes) {
    return new Region(id, arena.allocate(bytes, 64), slotBytes);
  }

  /** So many bits from 0 on. */
  static BitSet all(int count) {
    BitSet bits = new BitSet();
    bits.set(0, count);
    return bits;
  }

  public static void fill(MemorySegment memory, BlockId id) {
    long state = id.low() ^ Long.rotateLeft(id.high(), 7);
    for (long at = 0; at < memory.byteSize(); at++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      memory.set(ValueLayout.JAVA_BYTE, at, (byte) (state >>> 56));
    }
  }

  public static boolean isBlock(MemorySegment memory, BlockId id) {
    byte[] expected = new byte[(int) memory.byteSize()];
    fill(MemorySegment.ofArray(expected), id);
    return memory.mismatch(MemorySegment.ofArray(expected)) == -1;
  }

  public static int[] checksums(MemorySegment memory, int layers) {
    ByteBuffer bytes = memory.asByteBuffer();
    int layerBytes = bytes.capacity() / layers;
    int[] sums = new int[layers];
    CRC32C crc = new CRC32C();
    for (int layer = 0; layer < layers; layer++) {
      crc.reset();
      crc.update(bytes.slice(layer * layerBytes, layerBytes));
      sums[layer] = (int) crc.getValue();
    }
    return sums;
  }

  public static BlockTier.Sealed sealed(Arena arena, BlockShape shape, BlockPlace place) {
    BlockShape.Group group = shape.groups().get(place.id().group());
    MemorySegment memory = arena.allocate(group.blockBytes(), 64);
    fill(memory, place.id());
    return new BlockTier.Sealed(place, memory, checksums(memory, group.layerCount()));
  }

  public static List<BlockTier.Sealed> sealed(
      Arena arena, BlockShape shape, List<BlockPlace> places) {
    return places.stream().map(place -> sealed(arena, shape, place)).toList();
  }
}
