package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.fail;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Announcer;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.link.HostMemories;
import io.kvasir.actors.link.LinkService;
import io.kvasir.actors.settings.LinkSettings;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.MemoryHub;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Several nodes in one process: real actor systems with remoting, real links and tiers; view and
 * directory are tables of the test, which is always up to date.
 */
final class TestNodes implements AutoCloseable {
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(60);
  private static final Random INCARNATIONS = new Random();

  /** Where nodes share memory, and how much there is. */
  record Shared(Path folder, long availableBytes) {}

  private record Held(long node, Residence residence) {}

  private final List<NodeInfo> infos = new CopyOnWriteArrayList<>();
  private final List<View> views = new CopyOnWriteArrayList<>();
  private final Map<Held, Set<BlockId>> held = new ConcurrentHashMap<>();
  private final List<Node> nodes = new ArrayList<>();

  /** Transports of nodes that meet in one hub. */
  static BiFunction<TransportConfig, BlockSource, BlockTransport> over(MemoryHub hub) {
    return (config, source) ->
        Transports.start(
            config, counters -> hub.medium(), source, BlockSink.NONE, Transports.Options.DEFAULT);
  }

  /** Waits until something is so. */
  static void await(String what, BooleanSupplier condition) {
    long startNs = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - startNs > PATIENCE_NS) {
        fail("not within " + PATIENCE_NS / 1_000_000_000 + " s: " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  private void publish() {
    views.forEach(View::tell);
  }

  /** What one node sees: all nodes, at once. */
  private final class View implements ClusterView {
    private final List<Consumer<List<NodeInfo>>> listeners = new CopyOnWriteArrayList<>();
    private volatile NodeInfo self;

    @Override
    public NodeInfo self() {
      return self;
    }

    @Override
    public List<NodeInfo> reachable() {
      return List.copyOf(infos);
    }

    @Override
    public AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
      listeners.add(listener);
      listener.accept(reachable());
      return () -> listeners.remove(listener);
    }

    void tell() {
      listeners.forEach(listener -> listener.accept(reachable()));
    }
  }

  /** One node. */
  final class Node implements AutoCloseable {
    final long id;
    final DeviceBlocks device;
    final ActorSystem<Void> system;
    final LinkService links;
    final TierService tier;

    /** Times that its directory was asked. */
    final AtomicInteger lookups = new AtomicInteger();

    private final View view = new View();
    private boolean closed;

    Node(
        long id,
        BlockShape shape,
        DeviceBlocks device,
        long hostBytes,
        Config own,
        BiFunction<TransportConfig, BlockSource, BlockTransport> opener) {
      this(id, shape, device, hostBytes, own, opener, null);
    }

    /**
     * @param base where memory is shared; null = nowhere
     */
    Node(
        long id,
        BlockShape shape,
        DeviceBlocks device,
        long hostBytes,
        Config own,
        BiFunction<TransportConfig, BlockSource, BlockTransport> opener,
        Shared base) {
      this.id = id;
      this.device = device;
      Config config =
          own.withFallback(
                  ConfigFactory.parseString(
                      """
                      pekko.actor.provider = remote
                      pekko.remote.artery { transport = tcp, canonical { hostname = "127.0.0.1", port = 0 } }
                      pekko.actor.allow-java-serialization = off
                      pekko.actor.serialization-bindings {
                        "io.kvasir.actors.cluster.ClusterMessage" = jackson-cbor
                      }
                      pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
                      """))
              .withFallback(ConfigFactory.load());
      system = ActorSystem.create(Behaviors.<Void>empty(), "node" + id, config.resolve());
      ExtendedActorSystem classic = (ExtendedActorSystem) Adapter.toClassic(system);
      String address = classic.provider().getDefaultAddress().toString();
      ModelInfo model =
          new ModelInfo("tiny", "tiny", 4096, 256, 16, shape, TestBlocks.scheme(shape));
      long incarnation = INCARNATIONS.nextLong() | 1;
      NodeInfo bare =
          new NodeInfo(
              id,
              incarnation,
              "node" + id,
              address,
              Set.of(),
              "1",
              List.of(model),
              null,
              null,
              null);
      view.self = bare;
      LinkSettings linkSettings = LinkSettings.from(config);
      links =
          opener == null
              ? LinkService.start(system, view, linkSettings)
              : base == null
                  ? LinkService.start(system, view, linkSettings, opener, () -> {})
                  : LinkService.start(
                      system,
                      view,
                      linkSettings,
                      opener,
                      HostMemories.open(base.folder(), id, incarnation, base::availableBytes),
                      () -> {});
      tier =
          TierService.start(
              system,
              view,
              new Table(id, lookups),
              new Table(id, lookups),
              device,
              model,
              links,
              TierSettings.from(config).withHostBytes(hostBytes));
      view.self =
          new NodeInfo(
              id,
              incarnation,
              "node" + id,
              address,
              Set.of(),
              "1",
              List.of(model),
              null,
              tier.ref(),
              null);
      infos.removeIf(info -> info.nodeId() == id);
      infos.add(view.self);
      views.add(view);
      nodes.add(this);
      publish();
    }

    NodeInfo info() {
      return view.self();
    }

    BlockFetcher.Fetched fetch(BlockKeys keys, int promptTokens, Duration deadline) {
      return fetch(keys, promptTokens, deadline, null);
    }

    /** With what a gateway told; null = nothing. */
    BlockFetcher.Fetched fetch(
        BlockKeys keys, int promptTokens, Duration deadline, Holdings holdings) {
      Set<Residence> all = EnumSet.allOf(Residence.class);
      return tier.fetcher()
          .fetch(new BlockFetcher.Order(id * 1000 + 1, promptTokens, keys, deadline, all, holdings))
          .toCompletableFuture()
          .orTimeout(60, TimeUnit.SECONDS)
          .join();
    }

    /** Blocks of a chain that the directory knows in a tier of this node. */
    int announced(Residence residence, BlockKeys keys) {
      Set<BlockId> blocks = held.getOrDefault(new Held(id, residence), Set.of());
      return (int)
          BlockPlace.of(keys, 0, keys.blockCount()).stream()
              .filter(place -> blocks.contains(place.id()))
              .count();
    }

    /** The directory names it for a tier of blocks that it does not have. */
    void announceFalsely(Residence residence, BlockKeys keys) {
      Set<BlockId> blocks =
          held.computeIfAbsent(new Held(id, residence), key -> ConcurrentHashMap.newKeySet());
      BlockPlace.of(keys, 0, keys.blockCount()).forEach(place -> blocks.add(place.id()));
    }

    /** Ends as a killed node does for others: nothing is said, the view notices later. */
    void vanish() {
      links.transport().close();
      system.terminate();
    }

    /** The view notices. */
    void leaveView() {
      infos.removeIf(info -> info.nodeId() == id);
      publish();
    }

    @Override
    public void close() {
      if (closed) {
        return;
      }
      closed = true;
      views.remove(view);
      leaveView();
      tier.close();
      links.close();
      system.terminate();
      tier.host().freed().orTimeout(60, TimeUnit.SECONDS).join();
      system.getWhenTerminated().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
    }
  }

  /** The directory, and one node's way to tell it. */
  private final class Table implements Directory, Announcer {
    private final long node;
    private final AtomicInteger lookups;

    Table(long node, AtomicInteger lookups) {
      this.node = node;
      this.lookups = lookups;
    }

    private Set<BlockId> blocks(Residence tier) {
      return held.computeIfAbsent(new Held(node, tier), key -> ConcurrentHashMap.newKeySet());
    }

    @Override
    public void added(
        Residence tier, int group, long high, long low, long rootHigh, long rootLow, int index) {
      blocks(tier).add(new BlockId(group, high, low));
    }

    @Override
    public void removed(Residence tier, int group, long high, long low) {
      blocks(tier).remove(new BlockId(group, high, low));
    }

    @Override
    public void cleared(Residence tier) {
      blocks(tier).clear();
    }

    @Override
    public CompletionStage<Holdings> lookup(BlockKeys keys, Duration deadline) {
      lookups.incrementAndGet();
      Map<Long, Long> lives = new HashMap<>();
      infos.forEach(info -> lives.put(info.nodeId(), info.incarnation()));
      List<Holdings.Holder> holders = new ArrayList<>();
      held.forEach(
          (who, blocks) -> {
            List<BitSet> sets = new ArrayList<>();
            for (int group = 0; group < keys.groupCount(); group++) {
              BitSet set = new BitSet();
              for (int block = 0; block < keys.blockCount(); block++) {
                set.set(block, blocks.contains(keys.id(group, block)));
              }
              sets.add(set);
            }
            if (lives.containsKey(who.node()) && !sets.getFirst().isEmpty()) {
              holders.add(
                  new Holdings.Holder(who.node(), lives.get(who.node()), who.residence(), sets));
            }
          });
      return CompletableFuture.completedFuture(new Holdings(holders, false));
    }
  }

  @Override
  public void close() {
    nodes.forEach(Node::close);
  }
}
