package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.actors.tier.BlockFetcher.Order;
import io.kvasir.actors.tier.BlockTier.Sealed;
import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;

/**
 * Measures on purpose what loading costs: brings chains of blocks with the model's own layout,
 * under keys of a tenant that does not exist, onto the device as a request would, from the host
 * tier and from every peer, in several lengths, so that fixed cost and rate come apart. What it
 * brought goes again. One thread, which blocks.
 */
final class Calibration {
  private static final String TENANT = "kvasir-calibration";
  private static final long CHAIN_BYTES = 8L << 20;
  private static final int MAX_BLOCKS = 512;
  private static final int ROUNDS = 3;
  private static final Duration LIMIT = Duration.ofSeconds(5);
  private static final long OWNER = Long.MIN_VALUE;
  private static final long POLL_NS = TimeUnit.MILLISECONDS.toNanos(1);

  /** So slow that every load wins: what is measured must not depend on what was believed. */
  private static final double COMPUTING_TOKENS_PER_SECOND = 1e-3;

  private final TierFetcher.Means means;
  private final KeyScheme scheme;
  private final BlockShape shape;
  private final SplittableRandom random = new SplittableRandom();

  /**
   * @param means of the requests' own fetches; what is measured is learned by their rate book
   */
  Calibration(TierFetcher.Means means, KeyScheme scheme) {
    this.means = means;
    this.scheme = scheme;
    this.shape = means.host().shape();
  }

  /** A chain and its bytes. */
  private record Chain(BlockKeys keys, List<BlockPlace> places, List<Sealed> blocks) {}

  /** Measures the host tier and every peer in view; returns bytes/s of reading off the device. */
  double run() {
    int most = mostBlocks();
    int[] lengths = {1, Math.max(1, most / 4), most};
    RateBook scratch = new RateBook(means.settings(), means.clock());
    host(most, scratch);
    for (int round = 0; round < ROUNDS; round++) {
      for (int length : lengths) {
        host(length, means.rates());
      }
    }
    for (NodeInfo peer : means.view().reachable()) {
      if (peer.tier() == null || peer.nodeId() == means.view().self().nodeId()) {
        continue;
      }
      // The first one pays for what is only done once, the link for instance.
      if (!peer(peer, most, scratch)) {
        continue;
      }
      for (int round = 0; round < ROUNDS; round++) {
        for (int length : lengths) {
          peer(peer, length, means.rates());
        }
      }
    }
    return deviceCopy(most);
  }

  /** A quarter of the host tier at most, and what the device can pin beside its work. */
  private int mostBlocks() {
    long blockBytes = shape.groups().stream().mapToLong(BlockShape.Group::blockBytes).sum();
    long bytes = Math.min(CHAIN_BYTES, means.host().stats().capacityBytes() / 4);
    return Math.clamp(bytes / blockBytes, 1, MAX_BLOCKS);
  }

  private Chain chain(Arena arena, int blocks) {
    int[] tokens = new int[blocks * shape.slots()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = random.nextInt(256);
    }
    BlockKeys keys = scheme.keys(TENANT + random.nextLong(), tokens, tokens.length);
    List<BlockPlace> places = BlockPlace.of(keys, 0, blocks);
    List<Sealed> sealed = new ArrayList<>();
    for (BlockPlace place : places) {
      BlockShape.Group group = shape.groups().get(place.id().group());
      MemorySegment bytes = arena.allocate(group.blockBytes(), Long.BYTES);
      for (long at = 0; at + Long.BYTES <= bytes.byteSize(); at += Long.BYTES) {
        bytes.set(ValueLayout.JAVA_LONG, at, random.nextLong());
      }
      sealed.add(new Sealed(place, bytes, checksums(bytes, group.layerCount())));
    }
    return new Chain(keys, places, sealed);
  }

  private static int[] checksums(MemorySegment block, int layers) {
    ByteBuffer bytes = block.asByteBuffer();
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

  private void host(int blocks, RateBook rates) {
    try (Arena arena = Arena.ofShared()) {
      Chain chain = chain(arena, blocks);
      join(means.host().store(chain.blocks(), LIMIT));
      fetch(chain, Residence.HOST, means.directory(), rates);
      forget(chain);
    }
  }

  /** Whether the peer takes and gives blocks of this model. */
  private boolean peer(NodeInfo node, int blocks, RateBook rates) {
    PeerTier peer = new PeerTier(means.peers(), node.nodeId(), node.incarnation());
    try (Arena arena = Arena.ofShared()) {
      Chain chain = chain(arena, blocks);
      boolean there =
          join(peer.store(chain.blocks(), LIMIT)).cardinality() == chain.places().size();
      if (there && gone(chain)) {
        fetch(chain, Residence.PEER, holder(node, blocks), rates);
      }
      join(peer.evict(chain.places(), LIMIT));
      forget(chain);
      return there;
    }
  }

  /**
   * Drops the chain from this node's host tier, so that the peer alone has it. The peer gives its
   * loan back by a message of its own, so the blocks may stay for a moment.
   */
  private boolean gone(Chain chain) {
    long startNs = means.clock().getAsLong();
    while (join(means.host().evict(chain.places(), LIMIT)).cardinality() < chain.places().size()) {
      if (means.clock().getAsLong() - startNs > LIMIT.toNanos()) {
        return false;
      }
      LockSupport.parkNanos(POLL_NS);
    }
    return true;
  }

  /** A directory that knows one thing: the peer has the whole chain. */
  private Directory holder(NodeInfo node, int blocks) {
    List<BitSet> all = new ArrayList<>();
    for (int group = 0; group < shape.groups().size(); group++) {
      BitSet set = new BitSet(blocks);
      set.set(0, blocks);
      all.add(set);
    }
    Holdings.Holder holder =
        new Holdings.Holder(node.nodeId(), node.incarnation(), Residence.HOST, all);
    return (keys, deadline) ->
        CompletableFuture.completedFuture(new Holdings(List.of(holder), false));
  }

  private void fetch(Chain chain, Residence from, Directory directory, RateBook rates) {
    TierFetcher.Means own =
        new TierFetcher.Means(
            means.device(),
            means.host(),
            directory,
            means.view(),
            means.peers(),
            rates,
            new PrefillCost(COMPUTING_TOKENS_PER_SECOND),
            means.settings(),
            means.executor(),
            means.clock(),
            new TierFetcher.Counts());
    int tokens = chain.keys().blockCount() * shape.slots();
    Order order = new Order(OWNER, tokens, chain.keys(), LIMIT, EnumSet.of(from));
    Fetched fetched = join(new FetchRun(own, order).start());
    fetched.pins().forEach(BlockPin::close);
  }

  private void forget(Chain chain) {
    join(means.device().demote(chain.places().stream().map(BlockPlace::id).toList()));
    join(means.host().evict(chain.places(), LIMIT));
  }

  /** Reads a chain off the device, the quickest of the rounds. */
  private double deviceCopy(int blocks) {
    try (Arena arena = Arena.ofShared()) {
      Chain chain = chain(arena, blocks);
      join(means.host().store(chain.blocks(), LIMIT));
      fetch(
          chain, Residence.HOST, means.directory(), new RateBook(means.settings(), means.clock()));
      List<BlockCopy> copies = new ArrayList<>();
      for (BlockPlace place : chain.places()) {
        int length = shape.groups().get(place.id().group()).blockBytes();
        copies.add(new BlockCopy(place.id(), arena.allocate(length, Long.BYTES)));
      }
      double best = 0;
      for (int round = 0; round < ROUNDS; round++) {
        long startNs = means.clock().getAsLong();
        List<int[]> read = join(means.device().read(copies));
        double seconds = (means.clock().getAsLong() - startNs) / 1e9;
        long bytes = 0;
        for (int i = 0; i < read.size(); i++) {
          // Of a group with a window only the blocks that a row can see were loaded.
          bytes += read.get(i) == null ? 0 : copies.get(i).target().byteSize();
        }
        best = Math.max(best, bytes / Math.max(1e-9, seconds));
      }
      forget(chain);
      return best;
    }
  }

  /** Every stage ends by a deadline of its own. */
  private static <T> T join(CompletionStage<T> stage) {
    return stage.toCompletableFuture().join();
  }
}
