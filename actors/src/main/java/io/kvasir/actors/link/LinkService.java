package io.kvasir.actors.link;

import com.typesafe.config.Config;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.settings.LinkSettings;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.PeerStatus;
import io.kvasir.transport.Region;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Transports.Encryption;
import io.kvasir.transport.driver.ConfigurationException;
import io.kvasir.transport.driver.DriverClients;
import io.kvasir.transport.driver.DriverSettings;
import io.kvasir.transport.driver.SizingSettings;
import io.kvasir.transport.media.AeronMedium;
import io.kvasir.transport.media.AeronSettings;
import io.kvasir.transport.shared.PeerMemory;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.agrona.CloseHelper;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one block transport of a node and its links to every node that the view shows with a tier.
 * Any thread. Close it after the services that use it.
 */
public final class LinkService implements Links, MeterBinder, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LinkService.class);
  private static final int MAX_WAITERS = 4096;
  private static final double WEIGHT = 0.2;

  private final ClusterView view;
  private final BlockTransport transport;
  private final HostMemories memories;
  private final AutoCloseable below;
  private final List<BlockSource> sources;
  private final Map<Long, LinkStatus> links = new ConcurrentHashMap<>();
  private final Set<Waiter> waiters = ConcurrentHashMap.newKeySet();
  private final ActorRef<LinkMessage> actor;
  private final AutoCloseable subscription;

  private record Waiter(long nodeId, CompletableFuture<Boolean> answer) {}

  /** Starts over the media driver that {@code kvasir.transport.driver} asks for. */
  public static LinkService start(ActorSystem<?> system, ClusterView view, LinkSettings settings) {
    Config config = system.settings().config();
    NodeInfo self = view.self();
    DriverClients clients =
        new DriverClients(
            DriverSettings.from(config),
            SizingSettings.from(config),
            "kvasir-" + self.name(),
            error -> LOG.warn("media driver: {}", error.toString()));
    HostMemories memories = HostMemories.none();
    boolean started = false;
    try {
      memories = memories(clients, self, settings);
      AeronSettings lanes = clients.lanes(endpoint(settings));
      LinkService service =
          start(
              system,
              view,
              settings,
              (transportConfig, source) ->
                  Transports.start(
                      transportConfig,
                      counters -> new AeronMedium(clients, lanes, counters),
                      source,
                      BlockSink.NONE,
                      Transports.Options.DEFAULT.with(settings.encryption())),
              memories,
              clients);
      started = true;
      return service;
    } finally {
      if (!started) {
        memories.close();
        clients.close();
      }
    }
  }

  /**
   * Starts over a transport of the caller's making; memory is not shared with peers.
   *
   * @param opener makes the transport that serves the given source
   * @param below closed behind the transport
   */
  public static LinkService start(
      ActorSystem<?> system,
      ClusterView view,
      LinkSettings settings,
      BiFunction<TransportConfig, BlockSource, BlockTransport> opener,
      AutoCloseable below) {
    return start(system, view, settings, opener, HostMemories.none(), below);
  }

  /**
   * The same with memory that peers on this host may read.
   *
   * @param memories closed behind the transport
   */
  public static LinkService start(
      ActorSystem<?> system,
      ClusterView view,
      LinkSettings settings,
      BiFunction<TransportConfig, BlockSource, BlockTransport> opener,
      HostMemories memories,
      AutoCloseable below) {
    return new LinkService(system, view, settings, opener, memories, below);
  }

  /** Frames that are to be sealed on any way are not to be read on a way without frames. */
  private static HostMemories memories(
      DriverClients clients, NodeInfo self, LinkSettings settings) {
    if (!settings.sharedMemory() || settings.encryption() == Encryption.ALWAYS) {
      return HostMemories.none();
    }
    try {
      Path base = clients.sharedBase();
      return base == null
          ? HostMemories.none()
          : HostMemories.open(base, self.nodeId(), self.incarnation(), clients::availableBytes);
    } catch (ConfigurationException notOurs) {
      // The driver is another one's: it does without this folder, and so do the blocks.
      LOG.warn("blocks of this node stay private to its process: {}", notOurs.getMessage());
      return HostMemories.none();
    }
  }

  private LinkService(
      ActorSystem<?> system,
      ClusterView view,
      LinkSettings settings,
      BiFunction<TransportConfig, BlockSource, BlockTransport> opener,
      HostMemories memories,
      AutoCloseable below) {
    this.view = view;
    this.memories = memories;
    this.below = below;
    this.sources = new CopyOnWriteArrayList<>();
    NodeInfo self = view.self();
    TransportConfig defaults = TransportConfig.of(self.nodeId(), self.incarnation());
    TransportConfig.Limits was = defaults.limits();
    TransportConfig.Limits limits =
        new TransportConfig.Limits(
            was.windowBytes(),
            settings.maxPeers(),
            was.maxTransfersPerPeer(),
            was.maxBatchBlocks(),
            was.bytesPerCycle(),
            was.commandQueueLength(),
            was.maxGroups(),
            was.maxVectorBytes());
    this.transport = opener.apply(defaults.with(limits), this::find);
    this.actor =
        system.systemActorOf(
            LinkActor.create(view, transport, settings, new Changes()),
            LinkActor.NAME,
            Props.empty());
    this.subscription = view.subscribe(nodes -> actor.tell(new LinkActor.Viewed(nodes)));
  }

  private static String endpoint(LinkSettings settings) {
    if (settings.udpHost().isEmpty()) {
      return "";
    }
    if (settings.udpPort() != 0) {
      return settings.udpHost() + ":" + settings.udpPort();
    }
    // Aeron must know the port that peers are told: ask the kernel for one and hand it on.
    try (DatagramSocket probe = new DatagramSocket(0, InetAddress.getByName(settings.udpHost()))) {
      return settings.udpHost() + ":" + probe.getLocalPort();
    } catch (IOException refused) {
      throw new IllegalStateException(
          LinkSettings.PATH
              + ".udp-host="
              + settings.udpHost()
              + " cannot be bound ("
              + refused.getMessage()
              + "); set an address of this host",
          refused);
    }
  }

  private SealedBlock find(long peer, BlockKey key) {
    for (BlockSource source : sources) {
      SealedBlock found = source.find(peer, key);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** What the actor reports. */
  private final class Changes implements LinkActor.Listener {
    @Override
    public void up(PeerStatus status) {
      memories.up(status);
      LinkStatus former = links.get(status.nodeId());
      double rate = former == null ? 0 : former.bytesPerSecond();
      links.put(
          status.nodeId(),
          new LinkStatus(
              status.nodeId(), status.incarnation(), status.medium(), status.encrypted(), rate));
      answer(status.nodeId());
    }

    @Override
    public void down(long nodeId, String reason) {
      links.remove(nodeId);
      memories.down(nodeId);
    }
  }

  private void answer(long nodeId) {
    for (Waiter waiter : waiters) {
      if (waiter.nodeId() == nodeId) {
        waiter.answer().complete(true);
      }
    }
  }

  @Override
  public BlockTransport transport() {
    return transport;
  }

  @Override
  public CompletionStage<Boolean> ready(long nodeId, Duration deadline) {
    if (stands(nodeId)) {
      return CompletableFuture.completedFuture(true);
    }
    if (view.find(nodeId) == null || waiters.size() >= MAX_WAITERS) {
      return CompletableFuture.completedFuture(false);
    }
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    Waiter waiter = new Waiter(nodeId, answer);
    waiters.add(waiter);
    answer.whenComplete((done, failure) -> waiters.remove(waiter));
    actor.tell(new LinkActor.Want(nodeId));
    if (stands(nodeId)) {
      answer.complete(true);
    }
    return answer.completeOnTimeout(false, deadline.toNanos(), TimeUnit.NANOSECONDS);
  }

  private boolean stands(long nodeId) {
    LinkStatus status = links.get(nodeId);
    NodeInfo node = view.find(nodeId);
    return status != null && node != null && status.incarnation() == node.incarnation();
  }

  @Override
  public LinkStatus status(long nodeId) {
    return links.get(nodeId);
  }

  @Override
  public List<LinkStatus> all() {
    return List.copyOf(links.values());
  }

  @Override
  public void measured(long nodeId, long bytes, long durationNs) {
    double rate = bytes * 1e9 / Math.max(1, durationNs);
    links.computeIfPresent(
        nodeId,
        (id, status) ->
            status.withRate(
                status.bytesPerSecond() == 0
                    ? rate
                    : status.bytesPerSecond() + WEIGHT * (rate - status.bytesPerSecond())));
  }

  @Override
  public void lost(long nodeId) {
    actor.tell(new LinkActor.Lost(nodeId));
  }

  @Override
  public Region region(Arena arena, long bytes, int slotBytes) {
    return memories.region(transport, arena, bytes, slotBytes);
  }

  @Override
  public PeerMemory memory(long nodeId, long incarnation) {
    return memories.of(nodeId, incarnation);
  }

  @Override
  public Runnable serve(BlockSource source) {
    sources.add(source);
    return () -> sources.remove(source);
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    for (MediumKind medium : MediumKind.values()) {
      Gauge.builder("kvasir.links", links, all -> count(all, medium))
          .description("Links to other nodes that stand")
          .tag("medium", medium.name().toLowerCase(Locale.ROOT))
          .register(registry);
    }
    FunctionCounter.builder("kvasir.link_copied_bytes", memories, HostMemories::copiedBytes)
        .description("Bytes copied out of the memory of peers on this host, past the media driver")
        .register(registry);
    Gauge.builder("kvasir.link_bytes_per_second", links, LinkService::slowest)
        .description("Measured rate of the slowest link; 0 before the first transfer")
        .register(registry);
  }

  private static double count(Map<Long, LinkStatus> links, MediumKind medium) {
    return links.values().stream().filter(link -> link.medium() == medium).count();
  }

  private static double slowest(Map<Long, LinkStatus> links) {
    return links.values().stream()
        .mapToDouble(LinkStatus::bytesPerSecond)
        .filter(rate -> rate > 0)
        .min()
        .orElse(0);
  }

  @Override
  public void close() {
    CloseHelper.quietClose(subscription);
    actor.tell(new LinkActor.Stop());
    waiters.forEach(waiter -> waiter.answer().complete(false));
    transport.close();
    memories.close();
    CloseHelper.quietClose(below);
  }
}
