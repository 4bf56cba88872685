package io.kvasir.actors.directory;

import io.kvasir.actors.directory.CopyCore.Life;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** One life of a simulated node: an owner and a copy, and the truth about its blocks. */
final class SimDirectoryNode {
  /** A block of the simulation: its chain's root is {@code chain}. */
  record Block(int chain, int index) {
    long high() {
      return Mix.mix64(1000L * chain + index + 1);
    }

    long low() {
      return Mix.mix64(high());
    }

    long rootHigh() {
      return new Block(chain, 0).high();
    }

    long rootLow() {
      return new Block(chain, 0).low();
    }

    long root() {
      return Mix.root(rootHigh(), rootLow());
    }
  }

  private final Life life;
  private final QueuedAnnouncer announcer;
  private final OwnerCore owner;
  private final DirectoryTable table;
  private final CopyTable copy;
  private final CopyCore copyCore;
  private final Map<Block, Integer> truth = new HashMap<>();
  private Map<Long, Long> view = Map.of();

  SimDirectoryNode(
      Life life,
      DirectorySettings settings,
      OwnerStream.Out toCopy,
      CopyCore.Out toOwner,
      long nowNs) {
    this.life = life;
    announcer = new QueuedAnnouncer(settings.queueEntries(), settings.maxOwnEntries());
    owner =
        new OwnerCore(
            life, settings, announcer.own(), announcer.changes(), announcer, toCopy, nowNs);
    table = new DirectoryTable(settings.maxEntries(), settings.maxOwnersPerBlock());
    copy = new CopyTable(life.nodeId(), table, settings.hotLookupsPerSecond());
    copyCore = new CopyCore(life, settings, copy, toOwner);
  }

  Life life() {
    return life;
  }

  Map<Block, Integer> truth() {
    return truth;
  }

  Map<Long, Long> view() {
    return view;
  }

  CopyTable copy() {
    return copy;
  }

  DirectoryTable table() {
    return table;
  }

  OwnerCore owner() {
    return owner;
  }

  CopyCore copyCore() {
    return copyCore;
  }

  /** Sees these lives; all keep copies and announce. */
  void see(Map<Long, Long> lives, int copies, long nowNs) {
    view = Map.copyOf(lives);
    List<OwnerStream.Copy> keepers = new ArrayList<>();
    lives.forEach(
        (node, incarnation) -> keepers.add(new OwnerStream.Copy(node, incarnation, null)));
    long[] ids = lives.keySet().stream().mapToLong(Long::longValue).toArray();
    owner.onView(keepers, nowNs);
    copyCore.onView(lives, lives.keySet(), new Placement(ids, copies, Map.of()), nowNs);
  }

  /** Changes something of what the node's tiers hold. */
  void change(SplittableRandom random, int chains, int length) {
    if (random.nextInt(400) == 0) {
      int tier = random.nextInt(Hits.TIERS);
      announcer.cleared(Residence.values()[tier]);
      truth.replaceAll((block, tiers) -> tiers & ~(1 << tier));
      truth.values().removeIf(tiers -> tiers == 0);
      return;
    }
    Block block = new Block(random.nextInt(chains), random.nextInt(length));
    int tier = random.nextInt(Hits.TIERS);
    if (random.nextInt(3) == 0) {
      announcer.removed(Residence.values()[tier], 0, block.high(), block.low());
      truth.computeIfPresent(
          block, (b, tiers) -> (tiers & ~(1 << tier)) == 0 ? null : tiers & ~(1 << tier));
    } else {
      announcer.added(
          Residence.values()[tier],
          0,
          block.high(),
          block.low(),
          block.rootHigh(),
          block.rootLow(),
          block.index());
      truth.merge(block, 1 << tier, (a, b) -> a | b);
    }
  }

  /** A moment of the node's own time. */
  void tick(long nowNs) {
    for (int i = 0; owner.tick(nowNs) && i < 1000; i++) {
      // As the actor, which tells itself to go on.
    }
    copyCore.tick(nowNs);
    table.sweep(64);
  }
}
