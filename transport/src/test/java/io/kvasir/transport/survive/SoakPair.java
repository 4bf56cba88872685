package io.kvasir.transport.survive;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.PendingCollective;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.AeronMedium;
import io.kvasir.transport.media.AeronSettings;
import io.kvasir.transport.media.TestDriver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Two nodes that keep each other busy: a push and a pull of bulk, a best-effort push and an
 * all-reduce at once, compared byte by byte, round after round; sealed pairs rotate their keys. For
 * one thread.
 */
final class SoakPair implements AutoCloseable {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final int BLOCK_BYTES = 256 << 10;
  private static final int BLOCKS = 8;
  private static final int VECTOR = 4096;
  private static final int ROUNDS_PER_KEY = 64;

  private final boolean sealed;
  private final TestNode one;
  private final TestNode other;
  private final List<PushBlock> push = new ArrayList<>();
  private final List<PullBlock> pull = new ArrayList<>();
  private final List<CollectiveGroup> groups;
  private volatile long rounds;
  private volatile long movedBytes;

  SoakPair(long firstId, TestDriver here, TestDriver there, boolean sealed) {
    this.sealed = sealed;
    one = node(firstId, here);
    other = node(firstId + 1, there);
    TestNode.introduce(one, other, sealed ? keys(1) : null);
    for (int i = 0; i < BLOCKS; i++) {
      push.add(PushBlock.of(one.seal(new BlockKey(1, i), i, BLOCK_BYTES - i, 1)));
      SealedBlock block = other.seal(new BlockKey(2, i), i, BLOCK_BYTES - i, 1);
      pull.add(PullBlock.of(block.key(), TestNode.ENCODING, one.own.ref(BLOCKS + i)));
    }
    long[] ids = {firstId, firstId + 1};
    long[] lives = {one.transport.incarnation(), other.transport.incarnation()};
    groups =
        List.of(
            one.transport.join(new GroupSpec(3, 0, ids, lives, 0)),
            other.transport.join(new GroupSpec(3, 0, ids, lives, 1)));
  }

  private TestNode node(long id, TestDriver driver) {
    AeronSettings settings = AeronSettings.of(TestDriver.freeEndpoint(), 8192);
    Transports.Encryption rule =
        sealed ? Transports.Encryption.ALWAYS : Transports.Encryption.NEVER;
    return new TestNode(
        id,
        counters -> new AeronMedium(driver.clients(), settings, counters),
        Transports.Options.DEFAULT.with(rule),
        config -> config,
        BLOCK_BYTES,
        2 * BLOCKS);
  }

  private static LinkKeys keys(int keyId) {
    byte[] send = new byte[LinkKeys.SECRET_BYTES];
    byte[] receive = new byte[LinkKeys.SECRET_BYTES];
    Arrays.fill(send, (byte) keyId);
    Arrays.fill(receive, (byte) ~keyId);
    return new LinkKeys(keyId, send, receive);
  }

  long rounds() {
    return rounds;
  }

  long movedBytes() {
    return movedBytes;
  }

  long leases() {
    return one.transport.leaseCount() + other.transport.leaseCount();
  }

  /** Losses, failures and refusals so far: a healthy pair has none. */
  long failures() {
    long failures = 0;
    for (TestNode node : List.of(one, other)) {
      for (TransportCounter counter :
          List.of(
              TransportCounter.PEERS_LOST,
              TransportCounter.COLLECTIVES_FAILED,
              TransportCounter.CHECKSUM_FAILURES,
              TransportCounter.FRAMES_CORRUPT,
              TransportCounter.FRAMES_WRONG_KEY,
              TransportCounter.FRAMES_REPLAYED,
              TransportCounter.MEDIA_REBUILDS)) {
        failures += node.count(counter);
      }
    }
    return failures;
  }

  /** One round; throws when a byte or a verdict is not what it must be. */
  void round() {
    Transfer out =
        one.transport.push(
            other.transport.nodeId(), push, DeliveryClass.REQUIRES_DELIVERY, DEADLINE);
    Transfer in = one.transport.pull(other.transport.nodeId(), pull, DEADLINE, null);
    if (sealed && rounds % ROUNDS_PER_KEY == ROUNDS_PER_KEY - 1) {
      rotate((int) (2 + rounds / ROUNDS_PER_KEY % 60_000));
    }
    reduce();
    movedBytes += delivered(out) + delivered(in);
    for (int i = 0; i < BLOCKS; i++) {
      int slot = other.arrived.get(push.get(i).block().key()).slot();
      int length = BLOCK_BYTES - i;
      require(TestNode.equal(one.own, i, other.places, slot, 0, length), "pushed bytes differ");
      require(TestNode.equal(other.own, i, one.own, BLOCKS + i, 0, length), "pulled bytes differ");
    }
    other.places.memory().fill((byte) 0);
    one.own.memory().asSlice((long) BLOCKS * BLOCK_BYTES).fill((byte) 0);
    other.forgetArrived();
    Transfer cached =
        one.transport.push(
            other.transport.nodeId(), push.subList(0, 2), DeliveryClass.BEST_EFFORT, DEADLINE);
    movedBytes += end(cached).deliveredBytes();
    other.forgetArrived();
    rounds++;
  }

  private static TransferResult end(Transfer transfer) {
    return transfer.result().orTimeout(90, TimeUnit.SECONDS).join();
  }

  private static long delivered(Transfer transfer) {
    TransferResult result = end(transfer);
    require(result.allDelivered(), "verdicts " + result.verdicts());
    return result.deliveredBytes();
  }

  private void rotate(int keyId) {
    LinkKeys next = keys(keyId);
    LinkKeys turned = new LinkKeys(keyId, next.receiveSecret(), next.sendSecret());
    one.transport.installKeys(other.transport.nodeId(), next).join();
    other.transport.installKeys(one.transport.nodeId(), turned).join();
    one.transport.activateKeys(other.transport.nodeId(), next).join();
    other.transport.activateKeys(one.transport.nodeId(), turned).join();
  }

  private void reduce() {
    float[] a = new float[VECTOR];
    float[] b = new float[VECTOR];
    float[] sum = new float[VECTOR];
    for (int i = 0; i < VECTOR; i++) {
      a[i] = i + 0.1f * rounds;
      b[i] = 3.7f * i;
      sum[i] = a[i] + b[i];
    }
    PendingCollective first = groups.get(0).allReduceSum(a, DEADLINE);
    PendingCollective second = groups.get(1).allReduceSum(b, DEADLINE);
    first.await();
    second.await();
    require(Arrays.equals(sum, a) && Arrays.equals(sum, b), "a sum differs");
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  @Override
  public void close() {
    one.close();
    other.close();
  }
}
