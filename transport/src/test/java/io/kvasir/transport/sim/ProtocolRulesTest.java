package io.kvasir.transport.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.Lane;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.protocol.CoreTransfer;
import io.kvasir.transport.protocol.TransferListener;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * One rule of the protocol a test, in the scenario that needs it; random runs rarely tell one rule
 * from the next that covers for it. Node 0 sends, node 1 receives, 1 KiB of payload a frame.
 */
class ProtocolRulesTest {
  private static final long MS = 1_000_000L;
  private static final int FRAME_BYTES = 1024 + FrameLayout.BLOCK_DATA_HEAD_BYTES;
  private static final int MAX_TRANSFERS = 4;
  private static final long RETRANSMIT_NS = 10 * MS;
  private static final long SILENCE_NS = 80 * MS;
  private static final long LONG_NS = 10_000 * MS;
  private static final TransportConfig.Limits LIMITS =
      new TransportConfig.Limits(8 << 10, 8, MAX_TRANSFERS, 32, 4 << 10, 64, 4, 64 << 10);
  private static final TransportConfig.Timeouts TIMEOUTS =
      new TransportConfig.Timeouts(
          RETRANSMIT_NS, MS, SILENCE_NS, SILENCE_NS, LONG_NS, 60 * MS, 2 * MS);

  private final SimCluster cluster =
      new SimCluster(1, new SimCluster.Shape(2, FRAME_BYTES, false), LIMITS, TIMEOUTS, () -> {});
  private final SimNode source = cluster.node(0);
  private final SimNode target = cluster.node(1);
  private long nextKey;

  /** Verdicts of a transfer and when it ended. */
  private final class Outcome implements TransferListener {
    private byte[] codes;
    private long endedNs;

    @Override
    public void onBlock(int index, int code) {}

    @Override
    public void onEnd(byte[] all, long deliveredBytes, long durationNs) {
      codes = all.clone();
      endedNs = cluster.scheduler().elapsedNs();
    }

    Outcome requireOpen() {
      assertTrue(codes == null, "the transfer has ended");
      return this;
    }

    void requireAll(int code) {
      assertTrue(codes != null, "the transfer has not ended");
      for (byte each : codes) {
        assertEquals(code, each, () -> Arrays.toString(codes));
      }
    }
  }

  @BeforeEach
  void connect() {
    Outcome first = push(1, 100, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(5);
    first.requireAll(Verdict.DELIVERED);
  }

  private void run(long ms) {
    cluster.scheduler().runFor(ms * MS);
  }

  private SealedBlock block(SimNode owner, int lengthBytes) {
    int slot = (int) (nextKey % SimCluster.SLOTS);
    owner.own().slotView(slot).put(0, (byte) (1 + nextKey % 100));
    return owner.seal(new BlockKey(owner.index, nextKey++), slot, lengthBytes, 1, 0);
  }

  private Outcome push(int count, int lengthBytes, DeliveryClass deliveryClass, long deadlineNs) {
    return push(source, target, count, lengthBytes, deliveryClass, deadlineNs);
  }

  private Outcome push(
      SimNode from,
      SimNode to,
      int count,
      int lengthBytes,
      DeliveryClass deliveryClass,
      long deadlineNs) {
    List<PushBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      blocks.add(PushBlock.of(block(from, lengthBytes)));
    }
    Outcome outcome = new Outcome();
    long nowNs = cluster.scheduler().nowNs();
    from.core()
        .push(from.peer(to.index), blocks, deliveryClass, nowNs + deadlineNs, outcome, nowNs);
    return outcome;
  }

  private Outcome pull(int lengthBytes, long deadlineNs) {
    return pull(target.takePlace(), lengthBytes, deadlineNs);
  }

  private Outcome pull(BlockRef place, int lengthBytes, long deadlineNs) {
    SealedBlock block = block(source, lengthBytes);
    Outcome outcome = new Outcome();
    long nowNs = cluster.scheduler().nowNs();
    List<PullBlock> blocks = List.of(PullBlock.of(block.key(), 0, place));
    target.core().pull(target.peer(0), blocks, nowNs + deadlineNs, outcome, nowNs);
    return outcome;
  }

  private static long count(SimNode node, TransportCounter counter) {
    return node.counters().get(counter);
  }

  /** Loses the given frame (from 1) of those that a lane carries from source to target. */
  private void lose(Lane lane, int number) {
    int[] seen = new int[1];
    cluster
        .network()
        .filter((from, to, on, frame) -> from != 0 || on != lane || ++seen[0] != number);
  }

  @Test
  void shouldNotGoBackWhileBulkIsOnlySlowerThanControl() {
    cluster.network().delay(0, 1, Lane.BULK, 2 * RETRANSMIT_NS + 5 * MS);
    Outcome outcome = push(1, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(100);
    outcome.requireAll(Verdict.DELIVERED);
    assertTrue(count(source, TransportCounter.PROBES) > 0, "it asked");
    assertEquals(0, count(source, TransportCounter.GO_BACKS), "one old answer is no loss");
    assertEquals(0, count(target, TransportCounter.FRAMES_DUPLICATE));
  }

  @Test
  void shouldGoBackWhenTwoAnswersAreEqual() {
    lose(Lane.BULK, 8);
    Outcome outcome = push(1, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(100);
    outcome.requireAll(Verdict.DELIVERED);
    assertEquals(1, count(source, TransportCounter.GO_BACKS));
  }

  @Test
  void shouldGoBackOnceForAGapWithoutWaiting() {
    lose(Lane.BULK, 2);
    Outcome outcome = push(1, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(RETRANSMIT_NS / MS / 2);
    outcome.requireAll(Verdict.DELIVERED);
    assertEquals(1, count(source, TransportCounter.GO_BACKS));
  }

  @Test
  void shouldGoBackOnceHoweverOftenAGapIsReported() {
    cluster.network().faults(1, 0, new SimFaults(0, 0, 1, 0, 0, 0, 0, 0, 0, 20_000, 60_000, false));
    lose(Lane.BULK, 2);
    Outcome outcome = push(1, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(5);
    outcome.requireAll(Verdict.DELIVERED);
    assertEquals(1, count(source, TransportCounter.GO_BACKS));
  }

  @Test
  void shouldNotTakeTheNextBlocksFrameForALostOne() {
    lose(Lane.BULK, 1);
    Outcome outcome = push(2, 1_000, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(50);
    outcome.requireAll(Verdict.DELIVERED);
    assertEquals(0, count(target, TransportCounter.CHECKSUM_FAILURES));
    assertEquals(1, count(target, TransportCounter.FRAMES_GAP));
  }

  @Test
  void shouldNotWriteToAPlaceThatItsOwnerHasRenewed() {
    cluster.network().delay(0, 1, Lane.BULK, 5 * MS);
    BlockRef place = target.takePlace();
    Outcome outcome = pull(place, 8 << 10, LONG_NS);
    while (target.places().slotView(place.slot()).get(0) == 0) {
      cluster.scheduler().step();
    }
    target.places().renew(place.slot());
    MemorySegment bytes =
        target
            .places()
            .memory()
            .asSlice((long) place.slot() * SimCluster.SLOT_BYTES, SimCluster.SLOT_BYTES)
            .fill((byte) 9);
    run(50);
    outcome.requireAll(Refusal.STALE_DESTINATION.code());
    assertEquals(-1, bytes.mismatch(MemorySegment.ofArray(nines())), "the owner's bytes changed");
  }

  private static byte[] nines() {
    byte[] nines = new byte[SimCluster.SLOT_BYTES];
    Arrays.fill(nines, (byte) 9);
    return nines;
  }

  @Test
  void shouldTellLateAskersOfAFinishedTransfer() {
    boolean[] mute = new boolean[1];
    cluster
        .network()
        .filter(
            (from, to, lane, frame) -> {
              mute[0] |= from == 0 && lane == Lane.BULK;
              return from == 0 || !mute[0];
            });
    Outcome outcome = push(1, 4 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(15);
    assertEquals(2, target.deliveries(), "it is there, its source does not know");
    cluster.network().filter((from, to, lane, frame) -> true);
    run(45);
    outcome.requireAll(Verdict.DELIVERED);
  }

  @Test
  void shouldTakeAFrameBackWhoseSourceWasRenewedDuringTheCopy() {
    int slot = (int) (nextKey % SimCluster.SLOTS);
    Outcome outcome = push(1, 4 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    long sent = count(source, TransportCounter.BULK_BYTES_SENT);
    source.whileStaging(
        lane -> {
          if (lane == Lane.BULK) {
            source.own().renew(slot);
          }
        });
    run(20);
    outcome.requireAll(Refusal.STALE_SOURCE.code());
    assertEquals(0, count(target, TransportCounter.CHECKSUM_FAILURES));
    long headOnly = FrameLayout.BLOCK_DATA_HEAD_BYTES;
    assertTrue(count(source, TransportCounter.BULK_BYTES_SENT) - sent <= headOnly, "no payload");
  }

  @Test
  void shouldSendNoMoreThanTheCreditOfAReceiverThatDoesNotAnswer() {
    cluster.network().delay(0, 1, Lane.BULK, LONG_NS);
    long sent = count(source, TransportCounter.BULK_BYTES_SENT);
    push(24, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(60);
    long underWay = count(source, TransportCounter.BULK_BYTES_SENT) - sent;
    long credit = 2L * FrameLayout.MAX_FRAME_BYTES;
    long heads = (credit / 1024 + 1) * FrameLayout.BLOCK_DATA_HEAD_BYTES;
    assertTrue(underWay > credit / 2 && underWay <= credit + heads, "under way: " + underWay);
    assertTrue(count(source, TransportCounter.CREDIT_WAITS) > 0);
  }

  @Test
  void shouldDropBestEffortBlocksWithoutCreditAndFinishTheOneUnderWay() {
    cluster.network().delay(0, 1, Lane.BULK, 60 * MS);
    Outcome dropped = push(24, 7_000, DeliveryClass.BEST_EFFORT, LONG_NS);
    run(50);
    Outcome kept = push(24, 7_000, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(200);
    kept.requireAll(Verdict.DELIVERED);
    long credit = 2L * FrameLayout.MAX_FRAME_BYTES;
    for (int i = 0; i < 24; i++) {
      boolean started = i * 7_000L + 1024 <= credit;
      int expected = started ? Verdict.DELIVERED : Refusal.NO_CREDIT.code();
      assertEquals(expected, dropped.codes[i], () -> Arrays.toString(dropped.codes));
    }
    assertEquals(24 - 19, count(source, TransportCounter.BEST_EFFORT_DROPS));
  }

  /** Fills with the transfer of each bulk frame from now on. */
  private List<Long> bulkOrder() {
    List<Long> order = new ArrayList<>();
    cluster
        .network()
        .filter(
            (from, to, lane, frame) -> {
              if (lane == Lane.BULK) {
                order.add(new UnsafeBuffer(frame).getLong(FrameLayout.HEADER_BYTES));
              }
              return true;
            });
    return order;
  }

  @Test
  void shouldLetTransfersTakeTurnsFrameByFrame() {
    List<Long> order = bulkOrder();
    push(16, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    while (order.size() < 8) {
      cluster.scheduler().step();
    }
    push(1, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(100);
    long large = order.getFirst();
    int first = -1;
    int last = -1;
    for (int i = 0; i < order.size(); i++) {
      if (order.get(i) != large) {
        first = first < 0 ? i : first;
        last = i;
      }
    }
    assertEquals(17 * 8, order.size());
    assertEquals(large, order.getLast(), "the large one does not go first");
    assertTrue(first >= 0 && last - first <= 2 * 8, "frames of one between the other's: " + order);
  }

  @Test
  void shouldEndTheShorterOfTwoTransfersFirstAndLetTheOtherGoOn() {
    List<Long> order = bulkOrder();
    push(12, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS).requireOpen();
    push(8, 8 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS).requireOpen();
    run(100);
    assertEquals(20 * 8, order.size());
    long longer = order.getLast();
    int shorterEnd = 0;
    for (int i = 0; i < order.size(); i++) {
      shorterEnd = order.get(i) == longer ? shorterEnd : i + 1;
    }
    int between = shorterEnd - 8 * 8;
    // Evenly shared it would end after 128 frames, 64 of them the other's.
    assertTrue(between >= 8 && between <= 32, "frames of the longer before its end: " + between);
  }

  @Test
  void shouldHoldAPatientPullUntilTheKeyIsKnown() {
    BlockRef place = target.takePlace();
    BlockKey key = new BlockKey(0, nextKey);
    Outcome outcome = pullSoon(key, place);
    run(RETRANSMIT_NS / MS / 2);
    outcome.requireOpen();
    block(source, 4 << 10);
    source.core().lookAgain(source.peer(1), cluster.scheduler().nowNs());
    run(2);
    outcome.requireAll(Verdict.DELIVERED);
    assertEquals(1, count(source, TransportCounter.PULLS_SERVED));
  }

  @Test
  void shouldLookForAPatientPullsKeyWheneverItIsRepeated() {
    BlockRef place = target.takePlace();
    Outcome outcome = pullSoon(new BlockKey(0, nextKey), place);
    run(5);
    block(source, 4 << 10);
    run(2 * RETRANSMIT_NS / MS);
    outcome.requireAll(Verdict.DELIVERED);
  }

  @Test
  void shouldEndAPatientPullByItsDeadlineAndByItsCaller() {
    Outcome late = new Outcome();
    Outcome cancelled = new Outcome();
    long nowNs = cluster.scheduler().nowNs();
    BlockKey never = new BlockKey(77, 77);
    List<PullBlock> blocks = List.of(PullBlock.soon(never, 0, target.takePlace()));
    target.core().pull(target.peer(0), blocks, nowNs + 20 * MS, late, nowNs);
    CoreTransfer open =
        target.core().pull(target.peer(0), blocks, nowNs + LONG_NS, cancelled, nowNs);
    run(40);
    late.requireAll(Verdict.TIMED_OUT);
    cancelled.requireOpen();
    open.end(Refusal.CANCELLED.code(), cluster.scheduler().nowNs());
    cancelled.requireAll(Refusal.CANCELLED.code());
    run(100);
    assertEquals(0, source.core().transferCount(), "nothing waits at the source");
  }

  @Test
  void shouldRefuseWhatIsNotKnownWhenThePullHurries() {
    SealedBlock known = block(source, 1000);
    List<PullBlock> blocks =
        List.of(
            PullBlock.soon(known.key(), 0, target.takePlace()),
            PullBlock.soon(new BlockKey(77, 77), 0, target.takePlace()));
    Outcome outcome = new Outcome();
    long nowNs = cluster.scheduler().nowNs();
    CoreTransfer open = target.core().pull(target.peer(0), blocks, nowNs + LONG_NS, outcome, nowNs);
    run(5);
    outcome.requireOpen();
    open.hurry();
    run(RETRANSMIT_NS / MS / 2);
    assertEquals(Verdict.DELIVERED, outcome.codes[0]);
    assertEquals(Refusal.NOT_FOUND.code(), outcome.codes[1]);
  }

  @Test
  void shouldSendNothingBeforeTheLastBlockIsKnown() {
    List<PullBlock> blocks = new ArrayList<>();
    SealedBlock known = block(source, 1000);
    blocks.add(PullBlock.of(known.key(), 0, target.takePlace()));
    blocks.add(PullBlock.soon(new BlockKey(0, nextKey), 0, target.takePlace()));
    Outcome outcome = new Outcome();
    long nowNs = cluster.scheduler().nowNs();
    target.core().pull(target.peer(0), blocks, nowNs + LONG_NS, outcome, nowNs);
    long before = count(source, TransportCounter.BULK_BYTES_SENT);
    run(RETRANSMIT_NS / MS / 2);
    assertEquals(before, count(source, TransportCounter.BULK_BYTES_SENT));
    block(source, 1000);
    source.core().lookAgain(source.peer(1), cluster.scheduler().nowNs());
    run(2);
    outcome.requireAll(Verdict.DELIVERED);
  }

  private Outcome pullSoon(BlockKey key, BlockRef place) {
    Outcome outcome = new Outcome();
    long nowNs = cluster.scheduler().nowNs();
    List<PullBlock> blocks = List.of(PullBlock.soon(key, 0, place));
    target.core().pull(target.peer(0), blocks, nowNs + LONG_NS, outcome, nowNs);
    return outcome;
  }

  @Test
  void shouldRefuseTransfersBeyondTheLimit() {
    run(80); // until the first transfer has left the tables
    cluster.network().delay(0, 1, Lane.BULK, 50 * MS);
    List<Outcome> within = new ArrayList<>();
    for (int i = 0; i < MAX_TRANSFERS; i++) {
      within.add(push(1, 100, DeliveryClass.REQUIRES_DELIVERY, LONG_NS));
    }
    push(1, 100, DeliveryClass.REQUIRES_DELIVERY, LONG_NS).requireAll(Refusal.BUSY.code());
    run(3);
    // The source's table is full: what it is asked to serve it refuses too.
    Outcome served = pull(100, LONG_NS);
    run(200);
    served.requireAll(Refusal.BUSY.code());
    within.forEach(outcome -> outcome.requireAll(Verdict.DELIVERED));
    push(33, 100, DeliveryClass.REQUIRES_DELIVERY, LONG_NS)
        .requireAll(Refusal.BATCH_TOO_LONG.code());
  }

  @Test
  void shouldEndBothSidesByTheDeadline() {
    cluster.network().delay(0, 1, Lane.BULK, LONG_NS);
    long startNs = cluster.scheduler().elapsedNs();
    Outcome pushed = push(1, 4 << 10, DeliveryClass.REQUIRES_DELIVERY, 40 * MS);
    Outcome pulled = pull(4 << 10, 40 * MS);
    run(30);
    assertTrue(target.leaseCount() > 0 && source.leaseCount() > 0);
    cluster.network().faults(0, 1, SimFaults.PARTITION);
    cluster.network().faults(1, 0, SimFaults.PARTITION);
    run(13);
    pushed.requireAll(Verdict.TIMED_OUT);
    pulled.requireAll(Verdict.TIMED_OUT);
    assertTrue(pushed.endedNs - startNs >= 40 * MS);
    assertEquals(0, source.leaseCount(), "leases at the source");
    assertEquals(0, target.leaseCount(), "leases at the target");
  }

  @Test
  void shouldTakeASilentPeerForLost() {
    target.crash();
    Outcome pushed = push(1, 4 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(SILENCE_NS / MS + 3);
    pushed.requireAll(Verdict.PEER_LOST);
    Outcome unconnected = push(1, 4 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(SILENCE_NS / MS + 3);
    unconnected.requireAll(Verdict.PEER_LOST);
  }

  @Test
  void shouldAskForAHelloThatWasLost() {
    target.loseLink(0);
    lose(Lane.CONTROL, 2);
    Outcome outcome = push(target, source, 1, 4 << 10, DeliveryClass.REQUIRES_DELIVERY, LONG_NS);
    run(SILENCE_NS / MS - 10);
    outcome.requireAll(Verdict.DELIVERED);
    assertTrue(count(target, TransportCounter.FRAMES_EARLY) > 0, "the source's Hello was lost");
  }
}
