package io.kvasir.actors.directory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.directory.CopyCore.Life;
import io.kvasir.actors.directory.DirectoryMessage.Announce;
import io.kvasir.actors.directory.DirectoryMessage.Announced;
import io.kvasir.actors.directory.DirectoryMessage.Resync;
import io.kvasir.actors.directory.SimDirectoryNode.Block;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.transport.sim.SimScheduler;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Owners and copies in virtual time, under loss, duplication, reordering, partitions, crashes and
 * new lives. At no time does a copy name a life that its node knows to be over; once it is quiet,
 * every copy knows exactly what the owners hold.
 */
final class DirectorySimulationTest {
  private static final int NODES = 5;
  private static final int CHAINS = 24;
  private static final int LENGTH = 12;
  private static final int COPIES = 2;
  private static final long MS = 1_000_000L;

  private static final DirectorySettings SETTINGS =
      TestSettings.with(
          """
          batch-entries = 16
          window = 3
          queue-entries = 64
          ack-timeout = 200 ms
          heartbeat = 300 ms
          leave-grace = 2 s
          max-entries = 100000
          """);

  private record Cut(long from, long to) {}

  /** One seeded run. */
  private static final class Run {
    private final long seed;
    private final SimScheduler time;
    private final Map<Long, SimDirectoryNode> nodes = new HashMap<>();
    private final Set<Cut> cuts = new HashSet<>();
    private boolean faulty = true;
    private long lives;
    private long events;
    private long dropped;
    private long restarts;
    private long resyncs;

    Run(long seed) {
      this.seed = seed;
      this.time = new SimScheduler(seed, this::checkLives);
      for (long id = 1; id <= NODES; id++) {
        start(id);
      }
      time.schedule(0, this::spread);
    }

    private void start(long id) {
      Life life = new Life(id, Mix.mix64(seed ^ ++lives));
      SimDirectoryNode node =
          new SimDirectoryNode(
              life,
              SETTINGS,
              (to, message) -> send(id, to.nodeId(), to.incarnation(), message),
              (to, ref, message) -> send(id, to, 0, message),
              time.nowNs());
      nodes.put(id, node);
      time.schedule(0, () -> tick(node));
    }

    private void tick(SimDirectoryNode node) {
      if (nodes.get(node.life().nodeId()) == node) {
        node.tick(time.nowNs());
        time.schedule(20 * MS, () -> tick(node));
      }
    }

    private void send(long from, long to, long incarnation, DirectoryMessage message) {
      boolean cut = cuts.contains(new Cut(from, to));
      if (cut || faulty && from != to && time.random().nextInt(20) == 0) {
        dropped++;
        return;
      }
      deliver(from, to, incarnation, message);
      if (faulty && time.random().nextInt(20) == 0) {
        deliver(from, to, incarnation, message);
      }
    }

    private void deliver(long from, long to, long incarnation, DirectoryMessage message) {
      long delayNs = faulty ? time.random().nextLong(40 * MS) : MS;
      time.schedule(
          delayNs,
          () -> {
            SimDirectoryNode node = nodes.get(to);
            if (node == null || incarnation != 0 && node.life().incarnation() != incarnation) {
              return;
            }
            long nowNs = time.nowNs();
            switch (message) {
              case Announce m -> node.copyCore().onAnnounce(m, nowNs);
              case Announced m -> node.owner().onAnnounced(m, nowNs);
              case Resync m -> {
                resyncs++;
                node.owner().onResync(m, nowNs);
              }
              default -> throw new IllegalStateException("unexpected " + message);
            }
          });
    }

    /** What each node sees becomes what is so, each in its own time. */
    private void spread() {
      for (long id = 1; id <= NODES; id++) {
        SimDirectoryNode seer = nodes.get(id);
        if (seer != null) {
          time.schedule(time.random().nextLong(800 * MS), () -> see(seer));
        }
      }
    }

    private void see(SimDirectoryNode seer) {
      long id = seer.life().nodeId();
      if (nodes.get(id) != seer) {
        return;
      }
      Map<Long, Long> seen = new HashMap<>();
      nodes.forEach(
          (other, node) -> {
            if (!cuts.contains(new Cut(other, id))) {
              seen.put(other, node.life().incarnation());
            }
          });
      if (!seen.equals(seer.view())) {
        seer.see(seen, COPIES, time.nowNs());
      }
    }

    private void act() {
      long id = 1 + time.random().nextInt(NODES);
      SimDirectoryNode node = nodes.get(id);
      int choice = time.random().nextInt(1000);
      if (choice < 2 && node != null) {
        nodes.remove(id);
        restarts++;
        spread();
        time.schedule(
            time.random().nextLong(4000 * MS),
            () -> {
              start(id);
              spread();
            });
      } else if (choice < 5) {
        long other = 1 + time.random().nextInt(NODES);
        cut(id, other);
        time.schedule(time.random().nextLong(4000 * MS), () -> heal(id, other));
      } else if (node != null) {
        int burst = choice < 40 ? 200 : 1;
        for (int i = 0; i < burst; i++) {
          node.change(time.random(), CHAINS, LENGTH);
        }
      }
    }

    private void cut(long a, long b) {
      if (a != b) {
        cuts.add(new Cut(a, b));
        if (time.random().nextBoolean()) {
          cuts.add(new Cut(b, a));
        }
        spread();
      }
    }

    private void heal(long a, long b) {
      cuts.remove(new Cut(a, b));
      cuts.remove(new Cut(b, a));
      spread();
    }

    private void checkLives() {
      if (++events % 16 != 0) {
        return;
      }
      for (SimDirectoryNode node : nodes.values()) {
        int chain = (int) (events / 16 % CHAINS);
        long root = new Block(chain, 0).root();
        for (DirectoryMessage.Held held : node.copy().answer(1, root, keys(chain), false).held()) {
          assertEquals(
              node.view().get(held.nodeId()),
              held.incarnation(),
              () -> "node " + node.life() + " names a life that is over; seed=" + seed);
        }
      }
    }

    private static long[] keys(int chain) {
      long[] keys = new long[2 * LENGTH];
      for (int i = 0; i < LENGTH; i++) {
        keys[2 * i] = new Block(chain, i).high();
        keys[2 * i + 1] = new Block(chain, i).low();
      }
      return keys;
    }

    void play(int actions) {
      for (int i = 0; i < actions; i++) {
        act();
        time.runFor(10 * MS);
      }
      faulty = false;
      cuts.clear();
      time.runFor(5000 * MS);
      spread();
      time.runFor(20_000 * MS);
      checkTruth();
      for (int i = 0; i < 100 && !isSettled(); i++) {
        time.runFor(MS); // a heartbeat may be under way
      }
      assertTrue(isSettled(), "seed=" + seed);
    }

    private boolean isSettled() {
      return nodes.values().stream().allMatch(node -> node.owner().isSettled());
    }

    private void checkTruth() {
      assertEquals(NODES, nodes.size());
      long[] ids = nodes.keySet().stream().mapToLong(Long::longValue).toArray();
      Placement placement = new Placement(ids, COPIES, Map.of());
      for (SimDirectoryNode node : nodes.values()) {
        long expected = 0;
        for (SimDirectoryNode owner : nodes.values()) {
          Owner known =
              node.table().owners().stream()
                  .filter(o -> o.incarnation() == owner.life().incarnation())
                  .findFirst()
                  .orElseThrow();
          for (int c = 0; c < CHAINS; c++) {
            for (int i = 0; i < LENGTH; i++) {
              Block block = new Block(c, i);
              boolean kept = placement.keeps(node.life().nodeId(), block.root());
              int truth = kept ? owner.truth().getOrDefault(block, 0) : 0;
              expected += truth == 0 ? 0 : 1;
              assertEquals(
                  truth,
                  node.table().tiers(known, block.high(), block.low()),
                  () -> block + " of " + owner.life() + " at " + node.life() + "; seed=" + seed);
            }
          }
        }
        assertEquals(expected, node.table().entryCount(), "entries left over; seed=" + seed);
        assertEquals(NODES, node.table().owners().size());
        assertTrue(
            node.copy().answer(placement.view(), new Block(0, 0).root(), keys(0), false).complete()
                || !placement.keeps(node.life().nodeId(), new Block(0, 0).root()),
            "a quiet copy is complete; seed=" + seed);
      }
    }
  }

  private static void runSeeds(int runs, int actions) {
    long first = Long.getLong("kvasir.seed", System.nanoTime());
    long dropped = 0;
    long restarts = 0;
    long resyncs = 0;
    for (int i = 0; i < runs; i++) {
      Run run = new Run(first + i);
      try {
        run.play(actions);
      } catch (RuntimeException e) {
        throw new AssertionError("run again with -Dkvasir.seed=" + (first + i), e);
      }
      dropped += run.dropped;
      restarts += run.restarts;
      resyncs += run.resyncs;
    }
    assertTrue(dropped > 0 && restarts > 0 && resyncs > 0, "the faults did not happen");
  }

  @Test
  void shouldKnowTheTruthOnceItIsQuietAndNoDeadLifeEver() {
    runSeeds(6, 2000);
  }

  @Test
  @Tag("slow")
  void shouldKnowTheTruthAfterManyLongRuns() {
    runSeeds(200, 5000);
  }
}
