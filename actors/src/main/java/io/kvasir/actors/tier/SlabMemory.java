package io.kvasir.actors.tier;

import io.kvasir.transport.BlockRef;
import io.kvasir.transport.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Native memory of slots of one length, taken in pieces of many slots as it is needed; each piece
 * is a region that the transport can read and fill. Guarded by the tier's lock, but for the memory
 * itself.
 */
final class SlabMemory {
  /** Takes memory from the system and makes it known to the transport. */
  @FunctionalInterface
  interface Registrar {
    /**
     * A new region.
     *
     * @param arena of the memory
     * @param bytes a multiple of {@code slotBytes}
     * @throws OutOfMemoryError if the system grants no more
     */
    Region region(Arena arena, long bytes, int slotBytes);
  }

  /** Pieces of a slab at most: a transport knows 256 regions. */
  static final int MAX_PIECES = 32;

  private static final Logger LOG = LoggerFactory.getLogger(SlabMemory.class);
  private static final long LEAST_PIECE_BYTES = 16L << 20;

  private final Arena arena;
  private final Registrar registrar;
  private final int slotBytes;
  private final int slotLimit;
  private final int slotsPerPiece;
  private final List<Region> regions = new ArrayList<>();
  private boolean exhausted;

  /**
   * @param maxPieces at most {@link #MAX_PIECES}, shared with others on the same transport
   */
  SlabMemory(Arena arena, Registrar registrar, int slotBytes, int slotLimit, int maxPieces) {
    this.arena = arena;
    this.registrar = registrar;
    this.slotBytes = slotBytes;
    this.slotLimit = slotLimit;
    long least = Math.max(1, LEAST_PIECE_BYTES / slotBytes);
    this.slotsPerPiece =
        (int) Math.min(slotLimit, Math.max(least, -Math.floorDiv(-slotLimit, maxPieces)));
  }

  int slotBytes() {
    return slotBytes;
  }

  int slotLimit() {
    return slotLimit;
  }

  /**
   * Takes another piece.
   *
   * @return slots there are now; as before if there is no more to be had
   */
  int grow() {
    int slots = slots();
    int more = Math.min(slotsPerPiece, slotLimit - slots);
    if (more <= 0 || exhausted) {
      return slots;
    }
    try {
      regions.add(registrar.region(arena, (long) more * slotBytes, slotBytes));
    } catch (OutOfMemoryError full) {
      exhausted = true;
      LOG.warn(
          "the host tier stays at {} slots of {} bytes because the system grants no more memory"
              + " ({}); lower kvasir.actors.tier.host-bytes or leave the node more of the memory",
          slots,
          slotBytes,
          full.getMessage());
      return slots;
    }
    return slots + more;
  }

  int slots() {
    return regions.isEmpty()
        ? 0
        : (regions.size() - 1) * slotsPerPiece + regions.getLast().slotCount();
  }

  MemorySegment segment(int slot, long lengthBytes) {
    Region region = regions.get(slot / slotsPerPiece);
    return region.memory().asSlice((long) (slot % slotsPerPiece) * slotBytes, lengthBytes);
  }

  BlockRef ref(int slot) {
    return regions.get(slot / slotsPerPiece).ref(slot % slotsPerPiece);
  }

  /** Ends the life of a slot's content for everyone who holds a reference. */
  void renew(int slot) {
    regions.get(slot / slotsPerPiece).renew(slot % slotsPerPiece);
  }

  /** Completes when no transfer touches the memory any more. */
  CompletableFuture<Void> close() {
    return CompletableFuture.allOf(
        regions.stream().map(Region::close).toArray(CompletableFuture[]::new));
  }
}
