package io.kvasir.node.bench.transport;

import com.typesafe.config.ConfigFactory;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.PendingCollective;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.IdleStrategy;

/**
 * The transport module as a node runs it: pushes of sealed 1 MiB blocks, checked at their final
 * place, acknowledged. Two batches are under way, each into half of the region, so that none waits
 * for the other's last word. Blocks are sealed beforehand: a checksum is made once in a block's
 * life, not at each transfer.
 */
final class KvasirLoad implements Load {
  private static final int SLOT_BYTES = 1 << 20;
  private static final int LAYERS = 16;
  private static final int BATCH = Regions.BYTES / SLOT_BYTES / 2;
  private static final int ENCODING = 1;
  private static final long GROUP = 1;
  private static final long PARK_NS = 200_000;
  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private final Role role;
  private final Spec spec;
  private final ByteBuffer memory;
  private final AtomicLong landed = new AtomicLong();
  private final IdleStrategy idle;
  private final List<PushBlock> blocks = new ArrayList<>();
  private DriverClients clients;
  private BlockTransport transport;
  private Region region;
  private Invitation invitation;
  private CollectiveGroup group;
  private Transfer besides;

  KvasirLoad(Role role, ByteBuffer memory, Spec spec) {
    this.role = role;
    this.memory = memory;
    this.spec = spec;
    this.idle = spec.text("idle").equals("agent") ? null : Waiting.idle(spec.text("idle"));
  }

  private long nodeId() {
    return role == Role.SENDER ? 1 : 2;
  }

  private long peerId() {
    return 3 - nodeId();
  }

  @Override
  public String open() {
    boolean shared = spec.text("medium").equals("ipc");
    clients =
        new DriverClients(
            DriverSettings.from(ConfigFactory.load())
                .change(
                    Map.of(
                        "mode",
                        shared ? "host" : "embedded",
                        "threading",
                        spec.text("threading"),
                        "base-folder",
                        spec.text("folder"),
                        "log-file",
                        spec.text("folder") + ".log")),
            sizing(spec),
            "bench",
            Throwable::printStackTrace);
    String endpoint =
        shared ? "" : "127.0.0.1:" + spec.text(role == Role.SENDER ? "port-back" : "port");
    Transports.Options options =
        Transports.Options.DEFAULT.with(
            spec.text("cipher").equals("gcm")
                ? Transports.Encryption.ALWAYS
                : Transports.Encryption.NEVER);
    if (driven()) {
      options = options.driven();
    }
    transport =
        Transports.start(
            TransportConfig.of(nodeId(), new SecureRandom().nextLong() | 1),
            counters -> new AeronMedium(clients, clients.lanes(endpoint), counters),
            BlockSource.NONE,
            new Places(),
            options);
    region = transport.register(MemorySegment.ofBuffer(memory), SLOT_BYTES);
    for (int slot = 0; role == Role.SENDER && slot < region.slotCount(); slot++) {
      blocks.add(
          PushBlock.of(
              SealedBlock.seal(new BlockKey(7, slot), region, slot, SLOT_BYTES, LAYERS, ENCODING)));
    }
    invitation = transport.invite(peerId());
    return "incarnation=%d driver=%d endpoint=%s stream=%d session=%d"
        .formatted(
            invitation.incarnation(),
            invitation.driverId(),
            "-" + invitation.endpoint(),
            invitation.streamBase(),
            invitation.sessionBase());
  }

  /** Terms and windows for the loopback; the MTU is the medium's. */
  static SizingSettings sizing(Spec spec) {
    return SizingSettings.from(ConfigFactory.load())
        .change(
            Map.of(
                "max-peers", 1,
                "mtu", spec.number("mtu"),
                "bulk-term", spec.number("term"),
                "small-term", "1 MiB",
                "round-trip", spec.text("round-trip")));
  }

  @Override
  public void awaitPeer(Spec other) {
    Invitation peer =
        new Invitation(
            peerId(),
            Long.parseLong(other.text("incarnation")),
            nodeId(),
            Long.parseLong(other.text("driver")),
            other.text("endpoint").substring(1),
            other.number("stream"),
            other.number("session"));
    var connected = transport.connect(peer, spec.text("cipher").equals("gcm") ? keys() : null);
    Waiting.until("connected", () -> drive() && connected.isDone());
    connected.join();
    boolean sender = role == Role.SENDER;
    long[] incarnations = {invitation.incarnation(), peer.incarnation()};
    group =
        transport.join(
            new GroupSpec(
                GROUP,
                1,
                new long[] {1, 2},
                sender ? incarnations : new long[] {incarnations[1], incarnations[0]},
                sender ? 0 : 1));
  }

  /** Secrets that both ends can make: for measuring only. */
  private LinkKeys keys() {
    byte[] forth = new byte[LinkKeys.SECRET_BYTES];
    byte[] back = new byte[LinkKeys.SECRET_BYTES];
    Arrays.fill(forth, (byte) 1);
    Arrays.fill(back, (byte) 2);
    return role == Role.SENDER ? new LinkKeys(1, forth, back) : new LinkKeys(1, back, forth);
  }

  /** With {@code idle=agent} the transport has a thread of its own, else this one drives it. */
  private boolean driven() {
    return idle != null;
  }

  private boolean drive() {
    if (driven()) {
      transport.doWork();
    }
    return true;
  }

  /** Block n goes to slot n. */
  private final class Places implements BlockSink {
    @Override
    public Placement place(BlockOffer offer) {
      return Placement.at(region.ref((int) offer.key().low()));
    }

    @Override
    public void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict) {
      if (verdict.delivered()) {
        landed.addAndGet(SLOT_BYTES);
      }
    }
  }

  @Override
  public long move(long bytes) {
    long startNs = System.nanoTime();
    if (role == Role.RECEIVER) {
      while (landed.get() < bytes) {
        LockSupport.parkNanos(PARK_NS);
        Waiting.checkDeadline(startNs, spec.toString());
      }
      landed.addAndGet(-bytes);
      return System.nanoTime();
    }
    Deque<Transfer> underWay = new ArrayDeque<>();
    long left = bytes / SLOT_BYTES;
    for (int batch = 0; left > 0; batch++) {
      if (underWay.size() == 2) {
        finish(underWay.remove());
      }
      int first = batch % 2 * BATCH;
      int count = (int) Math.min(BATCH, left);
      underWay.add(
          transport.push(
              peerId(),
              blocks.subList(first, first + count),
              DeliveryClass.REQUIRES_DELIVERY,
              DEADLINE));
      left -= count;
    }
    underWay.forEach(KvasirLoad::finish);
    return startNs;
  }

  private static void finish(Transfer transfer) {
    var result = transfer.result().orTimeout(DEADLINE.toSeconds() + 5, TimeUnit.SECONDS).join();
    if (!result.allDelivered()) {
      throw new IllegalStateException("not delivered: " + result.verdicts());
    }
  }

  @Override
  public long[] exchange(int bytes, int rounds) {
    float[] vector = new float[bytes / Float.BYTES];
    long[] took = new long[rounds / 2];
    for (int i = 0; i < took.length; i++) {
      keepBulkUnderWay();
      took[i] = (reduceOnce(vector) + reduceOnce(vector)) / 2;
    }
    return took;
  }

  /** With {@code bulk=beside} the sender always has a batch under way beside the vectors. */
  private void keepBulkUnderWay() {
    boolean beside = spec.words().getOrDefault("bulk", "").equals("beside");
    if (!beside || role == Role.RECEIVER || (besides != null && !besides.result().isDone())) {
      return;
    }
    besides =
        transport.push(
            peerId(), blocks.subList(0, BATCH), DeliveryClass.REQUIRES_DELIVERY, DEADLINE);
  }

  private long reduceOnce(float[] vector) {
    long startNs = System.nanoTime();
    PendingCollective pending = group.allReduceSum(vector, DEADLINE);
    if (driven()) {
      idle.reset();
      while (!pending.isDone()) {
        idle.idle(transport.doWork());
      }
    }
    pending.await();
    return System.nanoTime() - startNs;
  }

  @Override
  public void close() {
    if (besides != null) {
      finish(besides);
    }
    group.close();
    transport.close();
    region.close().orTimeout(DEADLINE.toSeconds(), TimeUnit.SECONDS).join();
    clients.close();
  }
}
