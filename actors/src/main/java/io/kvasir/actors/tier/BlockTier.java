package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.LayerRange;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Keyed, immutable blocks of one model somewhere below the device: the store seam. Calls come from
 * any thread, never block and take many blocks at once; answers are in the order of the call. No
 * stage fails: what a tier cannot do in time it has not done (law 7). Every tier passes one
 * contract test suite.
 *
 * <p>A tier is bounded; under pressure the least recently used blocks go first, of one chain the
 * last ones, so that what stays can be matched from its start. Tenants are kept apart by their keys
 * alone.
 */
public interface BlockTier {
  /** What its blocks count as. */
  Residence residence();

  /** What it holds. */
  BlockShape shape();

  /** Which of the blocks can be loaded now; those found count as used. */
  CompletionStage<BitSet> lookup(List<BlockPlace> blocks, Duration deadline);

  /**
   * Keeps those of the blocks that it holds from eviction.
   *
   * @param ownerId who answers for the lease
   * @param ttl from now, at most
   */
  CompletionStage<? extends TierLease> pin(List<BlockPlace> blocks, long ownerId, Duration ttl);

  /**
   * Copies layers of blocks out, proven by the checksums made when the blocks were sealed.
   *
   * @param layers of each block; they land at their place in the target
   * @return per block the checksums of all its layers, or null where it was not delivered (its
   *     target is then undefined)
   */
  CompletionStage<List<int[]>> load(List<Target> targets, LayerRange layers, Duration deadline);

  /**
   * Takes copies of blocks, as far as there is room; those it holds, or is getting, already count
   * as stored.
   *
   * @return which of them it holds now
   */
  CompletionStage<BitSet> store(List<Sealed> blocks, Duration deadline);

  /**
   * Drops blocks that nobody keeps.
   *
   * @return which of them it does not hold any more
   */
  CompletionStage<BitSet> evict(List<BlockPlace> blocks, Duration deadline);

  /**
   * Where a block goes.
   *
   * @param memory native, at least the block's length; the tier's until the load has completed
   */
  record Target(BlockPlace place, MemorySegment memory) {}

  /**
   * A block given to a tier.
   *
   * @param memory native, the block's length; unchanged until the store has completed
   * @param layerChecksums CRC32C of each layer, made when the block was sealed; owned by the tier
   */
  record Sealed(BlockPlace place, MemorySegment memory, int[] layerChecksums) {}
}
