package io.kvasir.transport.media;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.PendingCollective;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.process.TestTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.NanoClock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several peers at once over real media: who is slow, who is in a hurry, who may be dropped. */
class FlowTest {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int BLOCKS = 16;
  private static final int WINDOW_BYTES = 1 << 20;
  private static final long FROZEN_PARK_NS = 1_000_000;

  private final List<AutoCloseable> open = new ArrayList<>();
  private final AtomicBoolean frozen = new AtomicBoolean();
  private volatile BooleanSupplier freezesWhen = () -> false;

  /** Stops the agent that reads it from the moment that was set until it is thawed. */
  private final NanoClock freezing =
      () -> {
        if (freezesWhen.getAsBoolean()) {
          frozen.set(true);
        }
        while (frozen.get()) {
          LockSupport.parkNanos(FROZEN_PARK_NS);
        }
        return System.nanoTime();
      };

  /** From the first bulk bytes on, the consumer stands still. */
  private void freezeWithTheNextBulk(TestNode consumer) {
    long before = consumer.count(TransportCounter.BULK_BYTES_RECEIVED);
    freezesWhen = () -> consumer.count(TransportCounter.BULK_BYTES_RECEIVED) > before;
  }

  private void thaw() {
    freezesWhen = () -> false;
    frozen.set(false);
  }

  @AfterEach
  void closeAll() throws Exception {
    thaw();
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  /** The given number of nodes, 1 first: on one driver for shared memory, on their own for UDP. */
  private List<TestNode> nodes(MediumKind kind, int count, int frozenNode) {
    List<TestNode> nodes = new ArrayList<>();
    TestDriver shared = null;
    for (int id = 1; id <= count; id++) {
      if (shared == null || kind == MediumKind.UDP) {
        shared = new TestDriver();
        open.add(shared);
      }
      nodes.add(node(id, shared, id == frozenNode));
    }
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < i; j++) {
        TestNode.introduce(nodes.get(j), nodes.get(i), null);
      }
    }
    return nodes;
  }

  private TestNode node(long id, TestDriver driver, boolean freezes) {
    AeronSettings settings = AeronSettings.of(TestDriver.freeEndpoint(), 8192);
    TransportConfig.Limits limits =
        new TransportConfig.Limits(WINDOW_BYTES, 8, 64, 256, 256 << 10, 256, 4, 64 << 10);
    TransportConfig.Timeouts patient =
        new TransportConfig.Timeouts(
            200_000_000L,
            1_000_000L,
            BOUND.toNanos(),
            BOUND.toNanos(),
            BOUND.toNanos(),
            2_000_000_000L,
            1_000_000L);
    Transports.Options options = Transports.Options.DEFAULT;
    TestNode node =
        new TestNode(
            id,
            counters -> new AeronMedium(driver.clients(), settings, counters),
            freezes
                ? new Transports.Options(
                    options.encryption(), options.idle(), freezing, options.errors())
                : options,
            config -> config.with(limits).with(patient),
            BLOCK_BYTES,
            BLOCKS);
    open.add(node);
    return node;
  }

  private static List<PushBlock> batch(TestNode from) {
    List<PushBlock> blocks = new ArrayList<>();
    for (int i = 0; i < BLOCKS; i++) {
      blocks.add(
          PushBlock.of(from.seal(new BlockKey(from.transport.nodeId(), i), i, BLOCK_BYTES, 1)));
    }
    return blocks;
  }

  private static Transfer push(
      TestNode from, TestNode to, List<PushBlock> blocks, DeliveryClass deliveryClass) {
    return from.transport.push(to.transport.nodeId(), blocks, deliveryClass, BOUND);
  }

  private static TransferResult end(Transfer transfer) {
    return transfer.result().orTimeout(90, TimeUnit.SECONDS).join();
  }

  private static void requireDelivered(Transfer transfer) {
    TransferResult result = end(transfer);
    assertTrue(result.allDelivered(), () -> "" + result.verdicts());
  }

  @ParameterizedTest
  @EnumSource(
      value = MediumKind.class,
      names = {"IPC", "UDP"})
  void shouldBoundWhatASlowConsumerCostsAndStallNobodyElse(MediumKind kind) {
    List<TestNode> nodes = nodes(kind, 3, 2);
    TestNode sender = nodes.get(0);
    TestNode slow = nodes.get(1);
    TestNode fast = nodes.get(2);
    List<PushBlock> blocks = batch(sender);
    requireDelivered(push(sender, slow, blocks.subList(0, 1), DeliveryClass.REQUIRES_DELIVERY));
    slow.forgetArrived();
    long before = sender.count(TransportCounter.BULK_BYTES_SENT);
    freezeWithTheNextBulk(slow);
    Transfer slowly = push(sender, slow, blocks, DeliveryClass.REQUIRES_DELIVERY);
    TestTime.await(BOUND, () -> "the slow one stands still", frozen::get);
    long fastBytes = 0;
    for (int round = 0; round < 4; round++) {
      TransferResult quick = end(push(sender, fast, blocks, DeliveryClass.REQUIRES_DELIVERY));
      assertTrue(quick.allDelivered(), () -> "beside a slow consumer: " + quick.verdicts());
      fastBytes += quick.deliveredBytes();
      fast.forgetArrived();
    }
    boolean waits = !slowly.result().isDone();
    long sent = sender.count(TransportCounter.BULK_BYTES_SENT) - before;
    long taken = slow.count(TransportCounter.BULK_BYTES_RECEIVED);
    thaw();
    requireDelivered(slowly);
    assertTrue(waits, "it was slower than the fast one");
    // Heads are 1 % of a frame of this length.
    long underWay = sent - (fastBytes + taken);
    assertTrue(
        underWay < WINDOW_BYTES + (fastBytes + taken + WINDOW_BYTES) / 50,
        "under way: " + underWay);
  }

  @ParameterizedTest
  @EnumSource(
      value = MediumKind.class,
      names = {"IPC", "UDP"})
  void shouldDropCacheCopiesThatAFrozenPeerGivesNoCreditFor(MediumKind kind) {
    List<TestNode> nodes = nodes(kind, 2, 2);
    TestNode sender = nodes.get(0);
    TestNode slow = nodes.get(1);
    List<PushBlock> blocks = batch(sender);
    requireDelivered(push(sender, slow, blocks.subList(0, 1), DeliveryClass.REQUIRES_DELIVERY));
    slow.forgetArrived();
    freezeWithTheNextBulk(slow);
    Transfer copies = push(sender, slow, blocks, DeliveryClass.BEST_EFFORT);
    TestTime.await(
        BOUND,
        () -> "drops while the peer stands still",
        () -> sender.count(TransportCounter.BEST_EFFORT_DROPS) > BLOCKS / 2);
    thaw();
    TransferResult result = end(copies);
    long drops = sender.count(TransportCounter.BEST_EFFORT_DROPS);
    long refused =
        result.verdicts().stream()
            .filter(verdict -> verdict.equals(new Verdict.Refused(Refusal.NO_CREDIT)))
            .count();
    assertEquals(drops, refused, "each drop is counted");
    assertEquals((BLOCKS - drops) * BLOCK_BYTES, result.deliveredBytes(), "the rest arrived");
  }

  @ParameterizedTest
  @EnumSource(
      value = MediumKind.class,
      names = {"IPC", "UDP"})
  void shouldReduceManyTimesWhileTwoSendersFillTheBulkLane(MediumKind kind) {
    List<TestNode> nodes = nodes(kind, 3, 0);
    TestNode receiver = nodes.get(2);
    List<CollectiveGroup> groups = join(nodes);
    List<List<PushBlock>> batches = List.of(batch(nodes.get(0)), batch(nodes.get(1)));
    int half = BLOCKS / 2;
    int reductions = 0;
    int beside = 0;
    for (int round = 0; round < 4; round++) {
      Transfer first =
          push(
              nodes.get(0),
              receiver,
              batches.get(0).subList(0, half),
              DeliveryClass.REQUIRES_DELIVERY);
      Transfer second =
          push(
              nodes.get(1),
              receiver,
              batches.get(1).subList(0, half),
              DeliveryClass.REQUIRES_DELIVERY);
      do {
        reduce(groups, reductions++);
        beside += first.result().isDone() && second.result().isDone() ? 0 : 1;
      } while (!first.result().isDone() || !second.result().isDone());
      requireDelivered(first);
      requireDelivered(second);
      receiver.forgetArrived();
    }
    assertTrue(beside >= 4, "reductions that ended while bulk was moving: " + beside);
    assertEquals(0, receiver.count(TransportCounter.COLLECTIVES_FAILED));
  }

  private static List<CollectiveGroup> join(List<TestNode> members) {
    long[] ids = members.stream().mapToLong(node -> node.transport.nodeId()).toArray();
    long[] lives = members.stream().mapToLong(node -> node.transport.incarnation()).toArray();
    List<CollectiveGroup> groups = new ArrayList<>();
    for (int rank = 0; rank < ids.length; rank++) {
      groups.add(members.get(rank).transport.join(new GroupSpec(7, 0, ids, lives, rank)));
    }
    return groups;
  }

  private static void reduce(List<CollectiveGroup> groups, int round) {
    List<float[]> vectors = new ArrayList<>();
    List<PendingCollective> pending = new ArrayList<>();
    float[] sum = new float[4096];
    for (int rank = 0; rank < groups.size(); rank++) {
      float[] vector = new float[sum.length];
      for (int i = 0; i < sum.length; i++) {
        vector[i] = (rank + 0.1f) * i + round;
        sum[i] = rank == 0 ? vector[i] : sum[i] + vector[i];
      }
      vectors.add(vector);
      pending.add(groups.get(rank).allReduceSum(vector, BOUND));
    }
    pending.forEach(PendingCollective::await);
    vectors.forEach(vector -> assertArrayEquals(sum, vector));
  }
}
