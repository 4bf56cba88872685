package io.kvasir.transport.survive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.PendingCollective;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.media.TestDriver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Bulk in both directions beside a latency lane, over UDP: briefly in the everyday run, for {@code
 * -Dkvasir.soak.seconds} (600) in the slow one. Ends with flat memory, no lease, no driver error
 * and no folder.
 */
class SoakTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final int BLOCK_BYTES = 256 << 10;
  private static final int BLOCKS = 8;
  private static final int VECTOR = 4096;

  @Test
  void shouldMoveBulkBothWaysBesideTheLatencyLane() {
    run(3);
  }

  @Test
  @Tag("slow")
  void shouldStayFlatForTenMinutes() {
    run(Integer.getInteger("kvasir.soak.seconds", 600));
  }

  private static void run(int seconds) {
    TestDriver here = new TestDriver();
    TestDriver there = new TestDriver();
    try (TestNode one = NodeMain.node(1, here.folder(), 1);
        TestNode other = NodeMain.node(2, there.folder(), 1)) {
      TestNode.introduce(one, other, null);
      List<PushBlock> push = new ArrayList<>();
      List<PullBlock> pull = new ArrayList<>();
      for (int i = 0; i < BLOCKS; i++) {
        push.add(PushBlock.of(one.seal(new BlockKey(1, i), i, BLOCK_BYTES - i, 1)));
        SealedBlock block = other.seal(new BlockKey(2, i), i, BLOCK_BYTES - i, 1);
        pull.add(PullBlock.of(block.key(), TestNode.ENCODING, one.own.ref(BLOCKS + i)));
      }
      List<CollectiveGroup> groups = join(one, other);
      long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      long usedBytes = 0;
      int rounds = 0;
      while (System.nanoTime() < endNs || rounds < 3) {
        Transfer out = one.transport.push(2, push, DeliveryClass.REQUIRES_DELIVERY, DEADLINE);
        Transfer in = one.transport.pull(2, pull, DEADLINE, null);
        reduce(groups, rounds);
        assertTrue(out.result().orTimeout(90, TimeUnit.SECONDS).join().allDelivered());
        assertTrue(in.result().orTimeout(90, TimeUnit.SECONDS).join().allDelivered());
        for (int i = 0; i < BLOCKS; i++) {
          assertTrue(TestNode.equal(other.own, i, one.own, BLOCKS + i, 0, BLOCK_BYTES - i));
        }
        other.forgetArrived();
        rounds++;
        if (rounds == 3) {
          usedBytes = usedAfterCollection();
        }
      }
      long grownBytes = usedAfterCollection() - usedBytes;
      assertTrue(grownBytes < 16 << 20, "heap grew by " + grownBytes + " in " + rounds);
      assertEquals(0, one.count(TransportCounter.PEERS_LOST));
      assertEquals(0, one.count(TransportCounter.COLLECTIVES_FAILED));
    }
    for (TestDriver driver : List.of(here, there)) {
      long errors = driver.errorCount();
      driver.close();
      assertEquals(0, errors, "driver errors");
      assertFalse(driver.path().toFile().exists(), "the driver's folder is left");
    }
  }

  private static List<CollectiveGroup> join(TestNode one, TestNode other) {
    long[] ids = {1, 2};
    long[] lives = {one.transport.incarnation(), other.transport.incarnation()};
    return List.of(
        one.transport.join(new GroupSpec(3, 0, ids, lives, 0)),
        other.transport.join(new GroupSpec(3, 0, ids, lives, 1)));
  }

  private static void reduce(List<CollectiveGroup> groups, int round) {
    float[] a = new float[VECTOR];
    float[] b = new float[VECTOR];
    float[] sum = new float[VECTOR];
    for (int i = 0; i < VECTOR; i++) {
      a[i] = i + 0.1f * round;
      b[i] = 3.7f * i;
      sum[i] = a[i] + b[i];
    }
    PendingCollective first = groups.get(0).allReduceSum(a, DEADLINE);
    PendingCollective second = groups.get(1).allReduceSum(b, DEADLINE);
    first.await();
    second.await();
    assertArrayEquals(sum, a);
    assertArrayEquals(sum, b);
  }

  private static long usedAfterCollection() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
