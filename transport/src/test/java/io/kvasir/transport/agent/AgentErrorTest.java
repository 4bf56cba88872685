package io.kvasir.transport.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Region;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.media.MemoryHub;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an {@link Error} on the agent's thread leaves behind: nothing. */
@Timeout(60)
final class AgentErrorTest {
  private static final int SLOT_BYTES = 4096;
  private static final int SLOTS = 8;
  private static final Duration DEADLINE = Duration.ofSeconds(50);
  private final MemoryHub hub = new MemoryHub();
  private final Queue<Throwable> errors = new ConcurrentLinkedQueue<>();
  private Region destinations;

  /** Fails when the first of several placed blocks has come. */
  private final class Broken implements BlockSink {
    @Override
    public Placement place(BlockOffer offer) {
      return Placement.at(destinations.ref((int) offer.key().low()));
    }

    @Override
    public void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict) {
      throw new LinkageError("a class of the sink is missing");
    }
  }

  private BlockTransport node(long nodeId, BlockSink sink, Transports.Options options) {
    return Transports.start(
        TransportConfig.of(nodeId, nodeId),
        counters -> hub.medium(),
        BlockSource.NONE,
        sink,
        new Transports.Options(
            Transports.Encryption.NEVER, options.idle(), options.clock(), errors::add));
  }

  private static void introduce(BlockTransport one, BlockTransport other) {
    var invitation = one.invite(other.nodeId());
    var answer = other.invite(one.nodeId());
    one.connect(answer, null).orTimeout(30, TimeUnit.SECONDS).join();
    other.connect(invitation, null).orTimeout(30, TimeUnit.SECONDS).join();
  }

  private static List<PushBlock> blocks(Region region) {
    return IntStream.range(0, SLOTS)
        .mapToObj(
            slot ->
                PushBlock.of(
                    SealedBlock.seal(new BlockKey(1, slot), region, slot, SLOT_BYTES, 1, 0)))
        .toList();
  }

  @Test
  void shouldReleaseLeasesAndCallersWhenAnErrorEndsTheAgent() {
    try (Arena arena = Arena.ofShared();
        BlockTransport sender = node(1, BlockSink.NONE, Transports.Options.DEFAULT);
        BlockTransport receiver = node(2, new Broken(), Transports.Options.DEFAULT)) {
      Region sources = sender.register(arena.allocate(SLOT_BYTES * SLOTS, 64), SLOT_BYTES);
      destinations = receiver.register(arena.allocate(SLOT_BYTES * SLOTS, 64), SLOT_BYTES);
      introduce(sender, receiver);
      var waiting =
          receiver.pull(
              1, List.of(PullBlock.of(new BlockKey(9, 9), 0, destinations.ref(0))), DEADLINE, null);
      sender.push(2, blocks(sources), DeliveryClass.REQUIRES_DELIVERY, DEADLINE);

      while (errors.isEmpty()) {
        Thread.onSpinWait();
      }

      destinations.close().orTimeout(30, TimeUnit.SECONDS).join();

      assertEquals(0, receiver.leaseCount());
      while (receiver.counters().get(TransportCounter.LEASES) != 0) {
        Thread.onSpinWait();
      }
      TransferResult ended = waiting.result().orTimeout(30, TimeUnit.SECONDS).join();
      assertFalse(ended.allDelivered());
      TransferResult late =
          receiver
              .push(1, blocks(sources), DeliveryClass.REQUIRES_DELIVERY, DEADLINE)
              .result()
              .orTimeout(30, TimeUnit.SECONDS)
              .join();
      assertEquals(new Verdict.Refused(Refusal.CLOSED), late.verdicts().getFirst());
    }
    assertInstanceOf(LinkageError.class, errors.peek());
  }

  @Test
  void shouldReleaseLeasesWhenTheCallerClosesWhatAnErrorBroke() {
    try (Arena arena = Arena.ofShared();
        BlockTransport sender = node(1, BlockSink.NONE, Transports.Options.DEFAULT)) {
      BlockTransport receiver = node(2, new Broken(), Transports.Options.DEFAULT.driven());
      Region sources = sender.register(arena.allocate(SLOT_BYTES * SLOTS, 64), SLOT_BYTES);
      destinations = receiver.register(arena.allocate(SLOT_BYTES * SLOTS, 64), SLOT_BYTES);
      var invitation = sender.invite(2);
      var connected = sender.connect(receiver.invite(1), null);
      var answered = receiver.connect(invitation, null);
      sender.push(2, blocks(sources), DeliveryClass.REQUIRES_DELIVERY, DEADLINE);
      Error met = null;
      while (met == null) {
        try {
          receiver.doWork();
          Thread.onSpinWait();
        } catch (LinkageError e) {
          met = e;
        }
      }

      receiver.close();

      assertEquals(0, receiver.leaseCount());
      destinations.close().orTimeout(30, TimeUnit.SECONDS).join();
      assertFalse(connected.isCompletedExceptionally() || answered.isCompletedExceptionally());
    }
  }
}
