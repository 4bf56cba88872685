package io.kvasir.chaos.local;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.api.CheckpointSource;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.DirectoryMessage;
import io.kvasir.actors.directory.DirectoryService;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gpu.DeviceModel;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.gpu.Intake;
import io.kvasir.actors.link.LinkService;
import io.kvasir.actors.schedule.GenerationMessage;
import io.kvasir.actors.schedule.GenerationService;
import io.kvasir.actors.schedule.NodeDevice;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.LinkSettings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.TierMessage;
import io.kvasir.actors.tier.TierService;
import io.kvasir.chaos.Evidence;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.Transports;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * A node with one device, put together from the services that a node of a cluster runs. Any thread;
 * it is the cluster's, which closes it.
 */
public final class LocalNode implements AutoCloseable {
  private final LocalCluster cluster;
  private final long id;
  private final ActorSystem<Void> system;
  private final Faults faults = new Faults();
  private final TableView view;
  private final GenerationEngine engine;
  private final CheckpointSource source;
  private final DirectoryService directory;
  private final LinkService links;
  private final TierService tier;
  private final NodeInfo info;
  private final Map<Long, ActorRef<TierMessage>> taps = new HashMap<>();
  private boolean gone;
  private boolean closed;

  /**
   * What a node keeps for others or for itself.
   *
   * @param engineLeases of requests and of pins on the device
   * @param tier leases, loans and slots being filled
   * @param transfers region leases of the transport
   * @param requests that run or wait
   */
  public record Held(int engineLeases, int tier, long transfers, int requests) {
    /** Whether it is at rest. */
    public boolean nothing() {
      return engineLeases + tier + transfers + requests == 0;
    }
  }

  LocalNode(LocalCluster cluster, long id, int port) throws Exception {
    this.cluster = cluster;
    this.id = id;
    Config config =
        ConfigFactory.parseString("pekko.remote.artery.canonical.port = " + port)
            .withFallback(cluster.config());
    KvasirSettings settings = KvasirSettings.from(config);
    system = LocalCluster.system("node" + id, config);
    String address = address(system);
    long incarnation = cluster.incarnation();
    source = new CheckpointSource(settings.runtime());
    ActorRef<GpuActor.Command> gpu =
        system.systemActorOf(
            GpuActor.create(settings.gpu(), source::openEngine), "gpu", Props.empty());
    engine = await(gpu);
    ModelText text = source.openText();
    ModelInfo model =
        new ModelInfo(
            LocalModel.ID,
            engine.fingerprint(),
            engine.maxContextTokens(),
            engine.vocabSize(),
            engine.hiddenSize(),
            engine.blocks().shape(),
            engine.blocks().keyScheme());
    NodeInfo bare = bare(id, incarnation, address, model);
    view = new TableView(bare);
    directory = DirectoryService.start(system, view, DirectorySettings.from(config));
    links =
        LinkService.start(
            system,
            view,
            LinkSettings.from(config),
            (transport, blocks) ->
                new FaultyTransport(
                    Transports.start(
                        transport,
                        counters -> cluster.hub().medium(),
                        faults.source(blocks),
                        BlockSink.NONE,
                        Transports.Options.DEFAULT)),
            () -> {});
    tier =
        TierService.start(
            system,
            view,
            faults.directory(directory.directory()),
            directory.announcer(),
            engine.blocks(),
            model,
            links,
            TierSettings.from(config));
    Intake intake = intake(settings, gpu, text);
    ScheduleSettings schedule = ScheduleSettings.from(config);
    intake.fetch(
        LocalModel.ID, model.keys(), faults.fetcher(tier.fetcher()), schedule.fetchDeadline());
    GenerationService.Handle generations =
        GenerationService.start(
            system,
            view,
            intake,
            List.of(new NodeDevice(LocalModel.ID, gpu, settings.runtime().maxRunning())),
            schedule);
    info = with(bare, directory.ref(), tier.ref(), generations.ref());
    view.become(info);
  }

  private GenerationEngine await(ActorRef<GpuActor.Command> gpu) throws Exception {
    GpuActor.Readiness readiness =
        AskPattern.ask(gpu, GpuActor.AwaitReady::new, Evidence.PATIENCE, system.scheduler())
            .toCompletableFuture()
            .get(Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (readiness instanceof GpuActor.Ready ready) {
      return ready.engine();
    }
    throw new IllegalStateException("node " + id + " has no engine: " + readiness);
  }

  private Intake intake(KvasirSettings settings, ActorRef<GpuActor.Command> gpu, ModelText text) {
    DeviceModel served =
        new DeviceModel() {
          @Override
          public ActorRef<GpuActor.Command> gpu() {
            return gpu;
          }

          @Override
          public LogitAdjuster mask(GrammarSpec grammar) {
            return text.mask(grammar);
          }
        };
    return new Intake(
        system,
        settings.gateway().askTimeout(),
        system.executionContext(),
        name -> name.equals(LocalModel.ID) ? served : null);
  }

  static String address(ActorSystem<?> system) {
    return ((ExtendedActorSystem) Adapter.toClassic(system))
        .provider()
        .getDefaultAddress()
        .toString();
  }

  private static NodeInfo bare(long id, long incarnation, String address, ModelInfo model) {
    return new NodeInfo(
        id,
        incarnation,
        "node-" + id,
        address,
        Set.of("prefill", "decode", "cache"),
        "1",
        List.of(model),
        null,
        null,
        null);
  }

  public long id() {
    return id;
  }

  /** Port of its actor system. */
  public int port() {
    return Integer.parseInt(info.address().substring(info.address().lastIndexOf(':') + 1));
  }

  /** As it introduces itself. */
  public NodeInfo info() {
    return info;
  }

  public ActorSystem<Void> system() {
    return system;
  }

  /** Its seams. */
  public Faults faults() {
    return faults;
  }

  public LinkService links() {
    return links;
  }

  /** Its transport. */
  public FaultyTransport transport() {
    return (FaultyTransport) links.transport();
  }

  public TierService tier() {
    return tier;
  }

  public DirectoryService directory() {
    return directory;
  }

  public BlockShape shape() {
    return engine.blocks().shape();
  }

  public EngineStats engineStats() {
    return engine.stats();
  }

  /** Keys of a prompt's full blocks. */
  public BlockKeys keys(String tenant, int[] prompt) {
    return engine.blocks().keyScheme().keys(tenant, prompt, prompt.length);
  }

  /** Empties the device, as far as nobody holds its blocks. */
  public int clearDevice() {
    return engine.blocks().clear().join();
  }

  /** Empties device and host tier, as far as nobody holds their blocks. */
  public void clear() {
    clearDevice();
    tier.host().clear();
  }

  public Held held() {
    EngineStats stats = engine.stats();
    return new Held(
        stats.leases(),
        tier.heldCount(),
        links.transport().leaseCount(),
        stats.running() + stats.waiting());
  }

  /** Other nodes as this one names them: messages to them go through a socket. */
  void see(List<LocalNode> nodes) {
    List<NodeInfo> seen = new ArrayList<>();
    for (LocalNode other : nodes) {
      seen.add(other == this ? info : tapped(other));
    }
    view.see(seen);
  }

  private NodeInfo tapped(LocalNode other) {
    NodeInfo there = other.seenFrom(system);
    ActorRef<TierMessage> tap =
        taps.computeIfAbsent(
            there.incarnation(),
            life ->
                Faults.tap(
                    system,
                    "tap-" + other.id + "-" + Long.toHexString(life),
                    faults.borrows(),
                    there.tier()));
    return with(there, there.directory(), tap, there.generations());
  }

  /** This node as another actor system names it. */
  public NodeInfo seenFrom(ActorSystem<?> other) {
    return with(
        info,
        named(other, info.directory()),
        named(other, info.tier()),
        named(other, info.generations()));
  }

  private <T> ActorRef<T> named(ActorSystem<?> other, ActorRef<T> ref) {
    return ActorRefResolver.get(other)
        .resolveActorRef(ActorRefResolver.get(system).toSerializationFormat(ref));
  }

  static NodeInfo with(
      NodeInfo node,
      ActorRef<DirectoryMessage> directory,
      ActorRef<TierMessage> tier,
      ActorRef<GenerationMessage> generations) {
    return new NodeInfo(
        node.nodeId(),
        node.incarnation(),
        node.name(),
        node.address(),
        node.roles(),
        node.appVersion(),
        node.models(),
        directory,
        tier,
        generations);
  }

  /** Ends as a killed node does: nothing is said, and others notice later. */
  public void vanish() {
    gone = true;
    faults.clear();
    links.transport().close();
    LocalCluster.end(system);
  }

  boolean isGone() {
    return gone;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    faults.clear();
    if (!gone) {
      gone = true;
      cluster.forget(this);
      tier.close();
      links.close();
      directory.close();
      LocalCluster.end(system);
      tier.host().freed().orTimeout(Evidence.PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    } else {
      tier.close();
    }
    source.close();
  }
}
