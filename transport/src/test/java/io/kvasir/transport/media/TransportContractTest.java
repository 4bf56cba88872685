package io.kvasir.transport.media;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.PendingCollective;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The same body over every medium: what is sent arrives bit-equal, what cannot be proven does not.
 */
abstract class TransportContractTest {
  static final Duration DEADLINE = Duration.ofSeconds(60);
  static final Transports.Options OPTIONS = Transports.Options.DEFAULT;

  private final List<TestNode> nodes = new ArrayList<>();

  /** A node on the medium under test. */
  abstract TestNode node(
      long nodeId,
      Transports.Options options,
      Function<TransportConfig, TransportConfig> tune,
      int slotBytes,
      int slotCount);

  abstract MediumKind kind();

  /** Largest bulk frame of the medium under test. */
  abstract int maxFrameBytes();

  @AfterEach
  void closeNodes() {
    nodes.reversed().forEach(TestNode::close);
  }

  private TestNode add(TestNode node) {
    nodes.add(node);
    return node;
  }

  private TestNode node(long id, int slotBytes, int slotCount) {
    return add(node(id, OPTIONS, Function.identity(), slotBytes, slotCount));
  }

  private static TransferResult end(Transfer transfer) {
    return transfer.result().orTimeout(120, TimeUnit.SECONDS).join();
  }

  private static PullBlock pullInto(TestNode node, SealedBlock block, int slot) {
    return PullBlock.of(block.key(), TestNode.ENCODING, node.places.ref(slot));
  }

  @Test
  void shouldMoveEverySizeBothWays() {
    int payload = maxFrameBytes() - FrameLayout.BLOCK_DATA_HEAD_BYTES;
    List<Integer> sizes = new ArrayList<>(List.of(1, 2, 7, 31, 32, 63, 64, 65, 4095, 4096, 4097));
    for (int frames : new int[] {1, 2, 16}) {
      sizes.addAll(List.of(frames * payload - 1, frames * payload, frames * payload + 1));
    }
    sizes.addAll(List.of((1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 5));
    TestNode one = node(1, 4 << 20, sizes.size());
    TestNode other = node(2, 4 << 20, sizes.size());
    TestNode.introduce(one, other, null);
    List<PushBlock> push = new ArrayList<>();
    List<PullBlock> pull = new ArrayList<>();
    for (int i = 0; i < sizes.size(); i++) {
      SealedBlock block = one.seal(new BlockKey(1, i), i, sizes.get(i), 1);
      push.add(PushBlock.of(block));
      pull.add(pullInto(other, block, i));
    }
    TransferResult pulled = end(other.transport.pull(1, pull, DEADLINE, null));
    assertTrue(pulled.allDelivered(), () -> "" + pulled.verdicts());
    for (int i = 0; i < sizes.size(); i++) {
      assertTrue(TestNode.equal(one.own, i, other.places, i, 0, sizes.get(i)), "size " + i);
    }
    other.places.memory().fill((byte) 0);
    TransferResult pushed =
        end(one.transport.push(2, push, DeliveryClass.REQUIRES_DELIVERY, DEADLINE));
    assertTrue(pushed.allDelivered(), () -> "" + pushed.verdicts());
    long total = sizes.stream().mapToLong(Integer::longValue).sum();
    assertEquals(total, pushed.deliveredBytes());
    for (int i = 0; i < sizes.size(); i++) {
      int slot = other.arrived.get(new BlockKey(1, i)).slot();
      assertTrue(TestNode.equal(one.own, i, other.places, slot, 0, sizes.get(i)), "size " + i);
    }
    assertEquals(kind(), other.transport.status(1).join().medium());
  }

  @Test
  void shouldMoveALargeBlock() {
    int length = 64 << 20;
    TestNode one = node(1, length, 1);
    TestNode other = node(2, length, 1);
    TestNode.introduce(one, other, null);
    SealedBlock block = one.seal(new BlockKey(3, 3), 0, length, 32);
    TransferResult result =
        end(other.transport.pull(1, List.of(pullInto(other, block, 0)), DEADLINE, null));
    assertTrue(result.allDelivered(), () -> "" + result.verdicts());
    assertTrue(TestNode.equal(one.own, 0, other.places, 0, 0, length));
  }

  @Test
  void shouldMoveAThousandBlocksInOneBatch() {
    int count = 1000;
    TestNode one = node(1, 2048, count);
    TestNode other = node(2, 2048, count);
    TestNode.introduce(one, other, null);
    List<PushBlock> push = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      push.add(PushBlock.of(one.seal(new BlockKey(9, i), i, 1 + (i * 37) % 2048, 1)));
    }
    TransferResult result =
        end(one.transport.push(2, push, DeliveryClass.REQUIRES_DELIVERY, DEADLINE));
    assertTrue(result.allDelivered(), () -> "" + result.verdicts());
    for (int i = 0; i < count; i++) {
      BlockRef ref = other.arrived.get(new BlockKey(9, i));
      assertTrue(TestNode.equal(one.own, i, other.places, ref.slot(), 0, 1 + (i * 37) % 2048));
    }
  }

  @Test
  void shouldMoveExactlyTheLayersAskedFor() {
    int layers = 24;
    int layerBytes = 1000;
    TestNode one = node(1, layers * layerBytes, 1);
    TestNode other = node(2, layers * layerBytes, layers);
    TestNode.introduce(one, other, null);
    SealedBlock block = one.seal(new BlockKey(5, 5), 0, layers * layerBytes, layers);
    List<PullBlock> pull = new ArrayList<>();
    for (int first = 0; first < layers; first++) {
      LayerRange range = new LayerRange(first, Math.min(layers, first + 1 + first % 5));
      pull.add(
          new PullBlock(
              block.key(), range, TestNode.ENCODING, other.places.ref(first), block.ref()));
    }
    List<Integer> order = new ArrayList<>();
    TransferResult result =
        end(other.transport.pull(1, pull, DEADLINE, (index, verdict) -> order.add(index)));
    assertTrue(result.allDelivered(), () -> "" + result.verdicts());
    assertEquals(layers, order.size());
    for (int first = 0; first < layers; first++) {
      LayerRange range = pull.get(first).layers();
      long offset = (long) range.first() * layerBytes;
      long length = (long) (range.limit() - range.first()) * layerBytes;
      assertTrue(TestNode.equal(one.own, 0, other.places, first, offset, length));
      assertEquals(0, other.places.slotView(first).get((int) (offset + length) % 24_000));
    }
  }

  @Test
  void shouldRefuseWhatCannotBeProvenAndDeliverTheRest() {
    TestNode one = node(1, 4096, 4);
    TestNode other = node(2, 4096, 4);
    TestNode.introduce(one, other, null);
    SealedBlock good = one.seal(new BlockKey(1, 1), 0, 4096, 2);
    SealedBlock corrupt = one.seal(new BlockKey(1, 2), 1, 4096, 2);
    one.own.slotView(1).put(77, (byte) (one.own.slotView(1).get(77) ^ 1));
    SealedBlock stale = one.seal(new BlockKey(1, 3), 2, 4096, 2);
    one.own.renew(2);
    PullBlock otherLayers =
        new PullBlock(
            good.key(), new LayerRange(1, 3), TestNode.ENCODING, other.places.ref(3), null);
    PullBlock otherEncoding =
        new PullBlock(good.key(), LayerRange.ALL, 99, other.places.ref(3), null);
    BlockRef formerLife = new BlockRef(0, 0, 41);
    PullBlock otherGeneration =
        new PullBlock(
            good.key(), LayerRange.ALL, TestNode.ENCODING, other.places.ref(3), formerLife);
    TransferResult result =
        end(
            other.transport.pull(
                1,
                List.of(
                    pullInto(other, good, 0),
                    pullInto(other, corrupt, 1),
                    pullInto(other, stale, 2),
                    PullBlock.of(new BlockKey(7, 7), TestNode.ENCODING, other.places.ref(3)),
                    otherLayers,
                    otherEncoding,
                    otherGeneration),
                DEADLINE,
                null));
    assertEquals(
        List.of(
            Verdict.ofCode(Verdict.DELIVERED),
            new Verdict.Refused(Refusal.CHECKSUM),
            new Verdict.Refused(Refusal.STALE_SOURCE),
            new Verdict.Refused(Refusal.NOT_FOUND),
            new Verdict.Refused(Refusal.LAYERS),
            new Verdict.Refused(Refusal.ENCODING),
            new Verdict.Refused(Refusal.STALE_SOURCE)),
        result.verdicts());
    assertEquals(1, other.count(TransportCounter.CHECKSUM_FAILURES));
    assertEquals(6, other.count(TransportCounter.BLOCKS_REFUSED));
  }

  @Test
  void shouldRefusePushesWithoutRoomBlockByBlock() {
    TestNode one = node(1, 1024, 8);
    TestNode other = node(2, 1024, 3);
    TestNode.introduce(one, other, null);
    List<PushBlock> push = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      push.add(PushBlock.of(one.seal(new BlockKey(2, i), i, 1024, 1)));
    }
    TransferResult result =
        end(one.transport.push(2, push, DeliveryClass.REQUIRES_DELIVERY, DEADLINE));
    long refused =
        result.verdicts().stream()
            .filter(v -> v.equals(new Verdict.Refused(Refusal.NO_SPACE)))
            .count();
    assertEquals(5, refused);
    assertEquals(3 * 1024, result.deliveredBytes());
  }

  @Test
  void shouldRefuseAPeerOfAnotherFingerprintWithASentence() {
    TransportConfig.Identity identity = new TransportConfig.Identity(1, 2, new byte[] {1, 2, 3});
    TestNode one = add(node(1, OPTIONS, config -> config.with(identity), 1024, 1));
    TestNode other = node(2, 1024, 1);
    TestNode.introduce(one, other, null);
    SealedBlock block = one.seal(new BlockKey(1, 1), 0, 1024, 1);
    TransferResult result =
        end(
            one.transport.push(
                2, List.of(PushBlock.of(block)), DeliveryClass.REQUIRES_DELIVERY, DEADLINE));
    assertEquals(List.of(new Verdict.Refused(Refusal.CANONICAL_HASH)), result.verdicts());
    String sentence = one.transport.status(2).join().refusal();
    assertNotNull(sentence);
    assertTrue(sentence.contains("test vector"), sentence);
    assertTrue(other.arrived.isEmpty());
  }

  @Test
  void shouldMoveSealedFramesAndRotateKeysUnderWay() {
    Transports.Options sealed = OPTIONS.with(Transports.Encryption.ALWAYS);
    TestNode one = add(node(1, sealed, Function.identity(), 1 << 20, 16));
    TestNode other = add(node(2, sealed, Function.identity(), 1 << 20, 16));
    TestNode.introduce(one, other, keys(1));
    List<PushBlock> push = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      push.add(PushBlock.of(one.seal(new BlockKey(4, i), i, (1 << 20) - i, 1)));
    }
    var transfer = one.transport.push(2, push, DeliveryClass.REQUIRES_DELIVERY, DEADLINE);
    LinkKeys next = keys(2);
    LinkKeys turned = new LinkKeys(2, next.receiveSecret(), next.sendSecret());
    one.transport.installKeys(2, next).join();
    other.transport.installKeys(1, turned).join();
    one.transport.activateKeys(2, next).join();
    other.transport.activateKeys(1, turned).join();
    TransferResult result = end(transfer);
    assertTrue(result.allDelivered(), () -> "" + result.verdicts());
    for (int i = 0; i < 16; i++) {
      int slot = other.arrived.get(new BlockKey(4, i)).slot();
      assertTrue(TestNode.equal(one.own, i, other.places, slot, 0, (1 << 20) - i));
    }
    assertEquals(0, other.count(TransportCounter.FRAMES_WRONG_KEY));
    assertEquals(0, one.count(TransportCounter.GO_BACKS), "rotation loses no frame");
  }

  private static LinkKeys keys(int keyId) {
    byte[] send = new byte[LinkKeys.SECRET_BYTES];
    byte[] receive = new byte[LinkKeys.SECRET_BYTES];
    Arrays.fill(send, (byte) (10 + keyId));
    Arrays.fill(receive, (byte) (100 + keyId));
    return new LinkKeys(keyId, send, receive);
  }

  @Test
  void shouldNeverDeliverUnderAnotherKey() {
    Transports.Options sealed = OPTIONS.with(Transports.Encryption.ALWAYS);
    Function<TransportConfig, TransportConfig> quick =
        config -> config.with(config.timeouts().scaled(0.1));
    TestNode one = add(node(1, sealed, quick, 1024, 1));
    TestNode other = add(node(2, sealed, quick, 1024, 1));
    var fromOne = one.transport.invite(2);
    var fromOther = other.transport.invite(1);
    one.transport.connect(fromOther, keys(1)).join();
    other.transport.connect(fromOne, keys(1)).join();
    SealedBlock block = one.seal(new BlockKey(1, 1), 0, 1024, 1);
    TransferResult result =
        end(
            one.transport.push(
                2,
                List.of(PushBlock.of(block)),
                DeliveryClass.REQUIRES_DELIVERY,
                Duration.ofSeconds(10)));
    assertEquals(List.of(Verdict.ofCode(Verdict.PEER_LOST)), result.verdicts());
    assertTrue(other.count(TransportCounter.FRAMES_WRONG_KEY) > 0);
    assertTrue(other.arrived.isEmpty());
  }

  @Test
  void shouldReopenAConnectionThatWasClosedIdle() {
    Function<TransportConfig, TransportConfig> impatient =
        config -> {
          var t = config.timeouts();
          return config.with(
              new TransportConfig.Timeouts(
                  t.retransmitNs(),
                  t.ackDelayNs(),
                  t.connectNs(),
                  t.peerNs(),
                  100_000_000L,
                  20_000_000L,
                  t.bestEffortPatienceNs()));
        };
    TestNode one = add(node(1, OPTIONS, impatient, 1024, 3));
    TestNode other = add(node(2, OPTIONS, impatient, 1024, 3));
    TestNode.introduce(one, other, null);
    for (int round = 0; round < 3; round++) {
      SealedBlock block = one.seal(new BlockKey(1, round), round, 1024, 1);
      TransferResult result =
          end(
              one.transport.push(
                  2, List.of(PushBlock.of(block)), DeliveryClass.REQUIRES_DELIVERY, DEADLINE));
      assertTrue(result.allDelivered(), () -> "" + result.verdicts());
      awaitTrue(() -> !one.transport.status(2).join().ready());
      awaitTrue(() -> !other.transport.status(1).join().ready());
    }
    assertTrue(sum(TransportCounter.IDLE_CLOSES) >= 3, "each round closed a connection");
    assertEquals(0, sum(TransportCounter.PEERS_LOST), "closing idle connections is no loss");
  }

  private long sum(TransportCounter counter) {
    return nodes.stream().mapToLong(node -> node.count(counter)).sum();
  }

  static void awaitTrue(BooleanSupplier condition) {
    long endNs = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNs, "what was awaited did not come within 60 s");
      Thread.onSpinWait();
    }
  }

  @Test
  void shouldSumInRankOrderWhateverArrivesFirst() {
    int members = 3;
    int length = 5000;
    List<TestNode> all = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      all.add(node(i + 1, 64, 1));
    }
    for (int i = 0; i < members; i++) {
      for (int j = 0; j < i; j++) {
        TestNode.introduce(all.get(i), all.get(j), null);
      }
    }
    List<CollectiveGroup> groups = join(all, 0);
    Random random = new Random(42);
    for (int round = 0; round < 20; round++) {
      float[][] vectors = new float[members][length];
      float[] expected = new float[length];
      for (int rank = 0; rank < members; rank++) {
        for (int i = 0; i < length; i++) {
          vectors[rank][i] = (float) Math.scalb(random.nextGaussian(), random.nextInt(40));
          expected[i] = rank == 0 ? vectors[0][i] : expected[i] + vectors[rank][i];
        }
      }
      List<PendingCollective> pending = new ArrayList<>();
      for (int i = 0; i < members; i++) {
        int rank = (i + round) % members;
        pending.add(groups.get(rank).allReduceSum(vectors[rank], DEADLINE));
      }
      pending.forEach(PendingCollective::await);
      for (int rank = 0; rank < members; rank++) {
        assertArrayEquals(expected, vectors[rank]);
      }
    }
  }

  private static List<CollectiveGroup> join(List<TestNode> members, int formation) {
    long[] ids = members.stream().mapToLong(n -> n.transport.nodeId()).toArray();
    long[] lives = members.stream().mapToLong(n -> n.transport.incarnation()).toArray();
    List<CollectiveGroup> groups = new ArrayList<>();
    for (int rank = 0; rank < ids.length; rank++) {
      groups.add(members.get(rank).transport.join(new GroupSpec(7, formation, ids, lives, rank)));
    }
    return groups;
  }

  @Test
  void shouldBringRowsToTheirOwnersAndBack() {
    TestNode one = node(1, 64, 1);
    TestNode other = node(2, 64, 1);
    TestNode.introduce(one, other, null);
    List<CollectiveGroup> groups = join(List.of(one, other), 0);
    int width = 33;
    float[][] rows = {new float[4 * width], new float[2 * width]};
    for (int rank = 0; rank < 2; rank++) {
      for (int i = 0; i < rows[rank].length; i++) {
        rows[rank][i] = 100 * rank + i;
      }
    }
    int[][] owners = {{0, 1, 1, -1, 1, 0, 0, -1}, {1, 0, 0, -1}};
    CollectiveGroup.Received[] received = {
      new CollectiveGroup.Received(), new CollectiveGroup.Received()
    };
    PendingCollective first =
        groups.get(0).dispatch(rows[0], 4, width, owners[0], 2, received[0], DEADLINE);
    PendingCollective second =
        groups.get(1).dispatch(rows[1], 2, width, owners[1], 2, received[1], DEADLINE);
    first.await();
    second.await();
    assertEquals(5, received[0].rowCount());
    assertEquals(4, received[1].rowCount());
    for (int rank = 0; rank < 2; rank++) {
      for (int i = 0; i < received[rank].rowCount() * width; i++) {
        received[rank].rows()[i] *= rank == 0 ? 2 : 3;
      }
    }
    float[][] results = {new float[4 * width], new float[2 * width]};
    first = groups.get(0).combine(received[0], results[0], DEADLINE);
    second = groups.get(1).combine(received[1], results[1], DEADLINE);
    first.await();
    second.await();
    float[][] factors = {{5, 3, 5, 2}, {5, 2}};
    for (int rank = 0; rank < 2; rank++) {
      for (int i = 0; i < rows[rank].length; i++) {
        assertEquals(rows[rank][i] * factors[rank][i / width], results[rank][i]);
      }
    }
  }

  @Test
  void shouldFormAGroupAgainAfterAMemberRestarted() {
    TestNode one = node(1, 64, 1);
    TestNode other = node(2, 64, 1);
    TestNode.introduce(one, other, null);
    List<CollectiveGroup> groups = join(List.of(one, other), 0);
    float[] a = {1, 2};
    float[] b = {3, 4};
    PendingCollective first = groups.get(0).allReduceSum(a, DEADLINE);
    groups.get(1).allReduceSum(b, DEADLINE).await();
    first.await();
    other.close();
    nodes.remove(other);
    PendingCollective broken = groups.get(0).allReduceSum(new float[2], DEADLINE);
    TestNode again = node(2, 64, 1);
    TestNode.introduce(one, again, null);
    awaitTrue(broken::isDone);
    assertEquals(Verdict.ofCode(Verdict.PEER_LOST), broken.verdict());
    List<CollectiveGroup> formed = join(List.of(one, again), 0);
    float[] c = {5, 6};
    float[] d = {7, 8};
    PendingCollective second = formed.get(0).allReduceSum(c, DEADLINE);
    formed.get(1).allReduceSum(d, DEADLINE).await();
    second.await();
    assertArrayEquals(new float[] {12, 14}, c);
    assertArrayEquals(c, d);
  }
}
