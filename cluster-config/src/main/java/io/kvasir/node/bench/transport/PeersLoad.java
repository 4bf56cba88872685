package io.kvasir.node.bench.transport;

import com.typesafe.config.ConfigFactory;
import io.aeron.Aeron;
import io.aeron.AeronCounters;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Region;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.driver.DriverClients;
import io.kvasir.transport.driver.DriverSettings;
import io.kvasir.transport.driver.SizingSettings;
import io.kvasir.transport.media.AeronMedium;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;

/**
 * One node at the sender and many at the receiver, all of one host's driver: how long until each
 * peer has a first block, and what memory stands behind. The many nodes share one thread, because
 * it is the one node's cost that is asked for.
 */
final class PeersLoad implements Load {
  private static final int SLOT_BYTES = 64 << 10;
  private static final long FIRST_PEER = 100;
  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private final Role role;
  private final Spec spec;
  private final ByteBuffer memory;
  private final List<DriverClients> clients = new ArrayList<>();
  private final List<BlockTransport> nodes = new ArrayList<>();
  private final List<Region> regions = new ArrayList<>();
  private Thread driving;
  private Spec other;
  private volatile boolean closed;

  PeersLoad(Role role, ByteBuffer memory, Spec spec) {
    this.role = role;
    this.memory = memory;
    this.spec = spec;
  }

  private int peers() {
    return spec.number("peers");
  }

  @Override
  public String open() {
    boolean sender = role == Role.SENDER;
    int count = sender ? 1 : peers();
    StringJoiner words = new StringJoiner(" ");
    for (int i = 0; i < count; i++) {
      addNode(sender ? 1 : FIRST_PEER + i, sender);
    }
    for (int i = 0; i < peers(); i++) {
      Invitation own = sender ? nodes.getFirst().invite(FIRST_PEER + i) : nodes.get(i).invite(1);
      words.add(
          "i%d=%d:%d:%d:%d"
              .formatted(
                  i, own.incarnation(), own.driverId(), own.streamBase(), own.sessionBase()));
    }
    if (!sender) {
      driving = Thread.ofPlatform().daemon().name("nodes").start(this::driveAll);
    }
    return words.toString();
  }

  private void addNode(long nodeId, boolean ownThread) {
    DriverClients nodesClients =
        new DriverClients(
            DriverSettings.from(ConfigFactory.load())
                .change(
                    Map.of(
                        "mode",
                        "host",
                        "base-folder",
                        spec.text("folder"),
                        "log-file",
                        spec.text("folder") + ".log")),
            SizingSettings.from(ConfigFactory.load())
                .change(Map.of("max-peers", peers(), "bulk-term", "1 MiB")),
            "bench",
            Throwable::printStackTrace);
    clients.add(nodesClients);
    Transports.Options options = Transports.Options.DEFAULT;
    Region[] region = new Region[1];
    BlockTransport node =
        Transports.start(
            TransportConfig.of(nodeId, new SecureRandom().nextLong() | 1),
            counters -> new AeronMedium(nodesClients, nodesClients.lanes(""), counters),
            BlockSource.NONE,
            new Place(region),
            ownThread ? options : options.driven());
    int slot = regions.size();
    region[0] =
        node.register(
            MemorySegment.ofBuffer(memory).asSlice((long) slot * SLOT_BYTES, SLOT_BYTES),
            SLOT_BYTES);
    regions.add(region[0]);
    nodes.add(node);
  }

  private record Place(Region[] region) implements BlockSink {
    @Override
    public Placement place(BlockOffer offer) {
      return Placement.at(region[0].ref(0));
    }

    @Override
    public void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict) {}
  }

  private void driveAll() {
    IdleStrategy idle = new BackoffIdleStrategy();
    while (!closed) {
      int work = 0;
      for (BlockTransport node : nodes) {
        work += node.doWork();
      }
      idle.idle(work);
    }
  }

  private static Invitation invitation(Spec words, int index, long nodeId, long guest) {
    String[] parts = words.text("i" + index).split(":");
    return new Invitation(
        nodeId,
        Long.parseLong(parts[0]),
        guest,
        Long.parseLong(parts[1]),
        "",
        Integer.parseInt(parts[2]),
        Integer.parseInt(parts[3]));
  }

  @Override
  public void awaitPeer(Spec words) {
    other = words;
    if (role == Role.RECEIVER) {
      for (int i = 0; i < peers(); i++) {
        nodes
            .get(i)
            .connect(invitation(other, i, 1, FIRST_PEER + i), null)
            .orTimeout(DEADLINE.toSeconds(), TimeUnit.SECONDS)
            .join();
      }
    }
  }

  /** Connects every peer and sends it one block; the time of the clock before and after. */
  @Override
  public long move(long bytes) {
    if (role == Role.RECEIVER) {
      return System.nanoTime();
    }
    long startNs = System.nanoTime();
    BlockTransport node = nodes.getFirst();
    PushBlock block =
        PushBlock.of(SealedBlock.seal(new BlockKey(1, 1), regions.getFirst(), 0, SLOT_BYTES, 1, 0));
    List<Transfer> transfers = new ArrayList<>();
    for (int i = 0; i < peers(); i++) {
      node.connect(invitation(other, i, FIRST_PEER + i, 1), null);
      transfers.add(
          node.push(FIRST_PEER + i, List.of(block), DeliveryClass.REQUIRES_DELIVERY, DEADLINE));
    }
    for (Transfer transfer : transfers) {
      if (!transfer.result().orTimeout(60, TimeUnit.SECONDS).join().allDelivered()) {
        throw new IllegalStateException("a peer got no block");
      }
    }
    return System.nanoTime() - startNs;
  }

  @Override
  public String notes() {
    try (Aeron client = clients.getFirst().get()) {
      return "mapped="
          + client
              .countersReader()
              .getCounterValue(AeronCounters.SYSTEM_COUNTER_ID_BYTES_CURRENTLY_MAPPED);
    }
  }

  @Override
  public void close() {
    closed = true;
    if (driving != null) {
      Waiting.until("the nodes' thread has ended", () -> !driving.isAlive());
    }
    nodes.forEach(BlockTransport::close);
    regions.forEach(region -> region.close().orTimeout(30, TimeUnit.SECONDS).join());
    clients.forEach(DriverClients::close);
  }
}
