package io.kvasir.transport.sim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.protocol.Exchange;
import io.kvasir.transport.protocol.ExchangeListener;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A collective group over all nodes of a run, whose members add vectors again and again. A
 * formation that failed, or lost a life, is formed anew while all nodes are up. Every operation
 * ends by its deadline; one that completes has exactly the bytes of that operation of that
 * formation, and the same sum on all members.
 */
final class SimGroup {
  private static final long ID = 5;
  private static final int KIND = 1;
  private static final int MAX_FLOATS = 1_000;
  private static final long MS = 1_000_000L;
  private static final long WATCH_NS = 10 * MS;
  private static final long DEADLINE_NS = 60 * MS;
  private static final long SLACK_NS = 10 * MS;

  private final SimCluster cluster;
  private final Member[] members;
  private final Map<Long, Integer> sums = new HashMap<>();
  private int formation;
  private long completed;
  private long failed;

  SimGroup(SimCluster cluster) {
    this.cluster = cluster;
    this.members = new Member[cluster.nodes().size()];
    watch();
  }

  long completedCount() {
    return completed;
  }

  long failedCount() {
    return failed;
  }

  private void watch() {
    boolean allUp = cluster.nodes().stream().allMatch(SimNode::alive);
    if (allUp && (members[0] == null || Arrays.stream(members).anyMatch(Member::broken))) {
      form();
    }
    cluster.scheduler().schedule(WATCH_NS, this::watch);
  }

  private void form() {
    formation++;
    int size = members.length;
    long[] ids = new long[size];
    long[] lives = new long[size];
    for (int rank = 0; rank < size; rank++) {
      ids[rank] = cluster.node(rank).config().nodeId();
      lives[rank] = cluster.node(rank).config().incarnation();
    }
    for (int rank = 0; rank < size; rank++) {
      members[rank] =
          new Member(cluster.node(rank), new GroupSpec(ID, formation, ids, lives, rank));
      members[rank].soon();
    }
  }

  /** No operation is open whose deadline has passed. */
  void requireNoneOverdue() {
    for (Member member : members) {
      boolean open = member != null && !member.overtaken() && member.running;
      assertTrue(!open || member.inTime(), "an operation is overdue");
    }
  }

  private static int floats(int formation, long sequence) {
    return 1 + new SplittableRandom(formation * 1_000_003L + sequence).nextInt(MAX_FLOATS);
  }

  private static float[] vector(int formation, long sequence, int rank, int floats) {
    SplittableRandom random = new SplittableRandom((formation * 77L + sequence) * 64 + rank);
    float[] vector = new float[floats];
    for (int i = 0; i < floats; i++) {
      vector[i] = Math.scalb(random.nextFloat() - 0.5f, random.nextInt(30));
    }
    return vector;
  }

  private final class Member implements ExchangeListener {
    private final SimNode node;
    private final GroupSpec spec;
    private final Exchange exchange;
    private boolean running;
    private long startedNs;

    Member(SimNode node, GroupSpec spec) {
      this.node = node;
      this.spec = spec;
      this.exchange = node.core().groups().join(spec, this);
    }

    boolean overtaken() {
      return !node.alive() || node.config().incarnation() != spec.incarnations()[spec.ownRank()];
    }

    boolean broken() {
      return overtaken() || exchange.failedCode() != 0;
    }

    /** A node that was paused judges a deadline when it runs again. */
    boolean inTime() {
      long ageNs = cluster.scheduler().nowNs() - startedNs;
      return ageNs <= DEADLINE_NS + SLACK_NS || node.runningForNs() <= SLACK_NS;
    }

    void soon() {
      long pauseNs = cluster.scheduler().random().nextLong(20 * MS);
      cluster.scheduler().schedule(pauseNs, this::begin);
    }

    private void begin() {
      if (broken() || members[spec.ownRank()] != this || running) {
        return;
      }
      int floats = floats(spec.formation(), exchange.sequence());
      float[] own = vector(spec.formation(), exchange.sequence(), spec.ownRank(), floats);
      for (int rank = 0; rank < spec.size(); rank++) {
        exchange.prepareFloats(rank, floats).put(0, own);
      }
      running = true;
      startedNs = cluster.scheduler().nowNs();
      exchange.start(KIND, startedNs + DEADLINE_NS, startedNs);
    }

    @Override
    public void onComplete(Exchange done, long sequence) {
      assertTrue(running, "an operation ended twice");
      running = false;
      int floats = floats(spec.formation(), sequence);
      float[] sum = new float[floats];
      for (int rank = 0; rank < spec.size(); rank++) {
        assertEquals(floats * Float.BYTES, done.lengthBytes(rank));
        float[] part = new float[floats];
        done.floats(rank).get(0, part);
        assertArrayEquals(vector(spec.formation(), sequence, rank, floats), part, 0.0f);
        for (int i = 0; i < floats; i++) {
          sum[i] = rank == 0 ? part[i] : sum[i] + part[i];
        }
      }
      int digest = Arrays.hashCode(sum);
      Integer former = sums.put(spec.formation() * 1_000_000L + sequence, digest);
      assertTrue(former == null || former == digest, "members have different sums");
      completed++;
      soon();
    }

    @Override
    public void onFailed(Exchange ended, long sequence, int code) {
      assertTrue(running, "an operation ended twice");
      running = false;
      assertNotEquals(0, code);
      assertTrue(inTime(), "an operation failed after its deadline");
      failed++;
    }
  }
}
