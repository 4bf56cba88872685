package io.kvasir.runtime.blocks;

import io.kvasir.runtime.cache.BlockListener;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The cached blocks of one device, for tiers, peers and directories. Calls are safe from any thread
 * and never block; the work is done between two steps of the engine, in slices, so that decoding
 * goes on beside it. Futures complete on the engine's thread: hand on, do not work there. Refusals
 * may complete on the caller's.
 *
 * <p>A call that cannot be queued, or that meets a closing engine, completes exceptionally with an
 * {@link IllegalStateException}; to the caller that is a miss (law 7).
 */
public interface DeviceBlocks {
  BlockShape shape();

  KeyScheme keyScheme();

  /** Which of the blocks are cached now. */
  CompletableFuture<BitSet> find(List<BlockId> ids);

  /**
   * Keeps those of the blocks that are cached. Together, pins and running requests may hold seven
   * eighths of the arena; what would go beyond stays unpinned.
   *
   * @param ownerId who answers for the pin; {@link #release} ends all of an owner
   * @param ttl from now; the engine ends it then. At most max-pin-ttl
   */
  CompletableFuture<BlockPin> pin(List<BlockId> ids, long ownerId, Duration ttl);

  /**
   * Copies cached blocks out.
   *
   * @return per block, in the order given, the layer checksums made when it was sealed, or null
   *     where the block is not cached
   */
  CompletableFuture<List<int[]>> read(List<BlockCopy> copies);

  /**
   * Copies blocks in and seals them under their keys, as pinned blocks. One with a wrong checksum
   * is refused and counted; blocks that are cached already are pinned as they are; without free
   * pages the rest stays out.
   */
  CompletableFuture<BlockPin> load(List<BlockLoad> loads, long ownerId, Duration ttl);

  /**
   * Makes those of the blocks that nobody refers to the first to be evicted, of a chain the last
   * block first.
   *
   * @param ids in the order of their chain
   * @return how many
   */
  CompletableFuture<Integer> demote(List<BlockId> ids);

  /** Ends every pin of an owner. */
  void release(long ownerId);

  /** Evicts every block that nobody refers to; completes with how many. */
  CompletableFuture<Integer> clear();

  /**
   * Tells a listener every cached block, oldest chain position first, then each change. One
   * listener; a second call replaces the first.
   */
  void listen(Listener listener);

  /** Called on the engine's thread: note it and return, never throw. */
  interface Listener extends BlockListener {}
}
