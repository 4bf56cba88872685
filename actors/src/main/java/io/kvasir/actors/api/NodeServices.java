package io.kvasir.actors.api;

import com.typesafe.config.Config;
import io.kvasir.actors.cluster.ClusterService;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.cluster.NodeMessage.Holdings;
import io.kvasir.actors.directory.DirectoryMetrics;
import io.kvasir.actors.directory.DirectoryService;
import io.kvasir.actors.gpu.Intake;
import io.kvasir.actors.link.LinkService;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.schedule.GenerationService;
import io.kvasir.actors.schedule.NodeDevice;
import io.kvasir.actors.schedule.ScheduleMetrics;
import io.kvasir.actors.session.SessionService;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.LinkSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.actors.settings.SessionSettings;
import io.kvasir.actors.tier.Rates;
import io.kvasir.actors.tier.TierService;
import io.kvasir.actors.tier.TierStats;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.GenerationEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.agrona.CloseHelper;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * What a node of a cluster runs around its devices: its part of the directory, links to peers,
 * tiers, and the service that computes for gateways. Started in that order, ended in the other.
 * Safe from any thread; starting blocks while the media driver starts.
 */
final class NodeServices {
  private static final Set<String> HOLDING = Set.of("prefill", "decode", "cache");

  /** A model on a device of this node. */
  private record Loaded(String model, GenerationEngine engine) {}

  private final NodeMetrics metrics;
  private final ActorSystem<?> system;
  private final ClusterService cluster;
  private final ScheduleSettings schedule;
  private final DirectoryService directory;
  private final LinkService links;
  private final SessionService sessions;
  private final NodeTiers tiers;
  private GenerationService.Handle generations;
  private volatile List<ModelInfo> models = List.of();
  private volatile List<Loaded> loaded = List.of();
  private volatile ScheduleMetrics desk;
  private CompletionStage<Done> drained;
  private boolean closed;

  private NodeServices(
      NodeMetrics metrics,
      ActorSystem<?> system,
      ClusterService cluster,
      ScheduleSettings schedule,
      DirectoryService directory,
      LinkService links,
      NodeTiers tiers,
      SessionService sessions) {
    this.tiers = tiers;
    this.metrics = metrics;
    this.system = system;
    this.cluster = cluster;
    this.schedule = schedule;
    this.directory = directory;
    this.links = links;
    this.sessions = sessions;
  }

  /**
   * Starts what needs no model.
   *
   * @param metrics takes the figures of every part
   */
  static NodeServices start(ActorSystem<?> system, ClusterService cluster, NodeMetrics metrics) {
    Config config = system.settings().config();
    DirectoryService directory =
        DirectoryService.start(system, cluster.view(), DirectorySettings.from(config));
    LinkService links = null;
    boolean started = false;
    try {
      if (cluster.identity().roles().stream().anyMatch(HOLDING::contains)) {
        links = LinkService.start(system, cluster.view(), LinkSettings.from(config));
      }
      NodeTiers tiers =
          links == null ? null : new NodeTiers(system, cluster.view(), directory, links, metrics);
      SessionService sessions =
          ClusterService.isClustered(system)
              ? SessionService.start(
                  system,
                  cluster.view(),
                  new SessionDemoter(cluster.view()),
                  SessionSettings.from(config))
              : null;
      NodeServices services =
          new NodeServices(
              metrics,
              system,
              cluster,
              ScheduleSettings.from(config),
              directory,
              links,
              tiers,
              sessions);
      services.introduce();
      cluster.holdings(services::holdings);
      metrics.bind(directory.metrics());
      if (links != null) {
        metrics.bind(links);
      }
      if (sessions != null) {
        metrics.bind(sessions.metrics());
      }
      started = true;
      return services;
    } finally {
      if (!started) {
        CloseHelper.quietClose(links);
        directory.close();
      }
    }
  }

  DirectoryService directory() {
    return directory;
  }

  /** Sessions of the whole cluster; null where there is none. */
  Sessions sessions() {
    return sessions == null ? null : sessions.sessions();
  }

  /**
   * Begins to compute for gateways, with the loaded ones of the models.
   *
   * @param ready by the models' order; null where one could not be loaded
   */
  synchronized void compute(
      KvasirSettings settings, NodeModels served, Intake intake, List<KvasirServer.Ready> ready) {
    if (closed) {
      return;
    }
    List<ModelInfo> infos = new ArrayList<>();
    List<NodeDevice> devices = new ArrayList<>();
    List<Loaded> running = new ArrayList<>();
    int sharing =
        (int) ready.stream().filter(one -> one != null && one.engine().blocks() != null).count();
    for (int i = 0; i < ready.size(); i++) {
      if (ready.get(i) == null) {
        continue;
      }
      RuntimeSettings model = settings.models().get(i);
      ModelInfo info = info(model.modelId(), ready.get(i));
      infos.add(info);
      running.add(new Loaded(info.id(), ready.get(i).engine()));
      devices.add(
          new NodeDevice(
              model.modelId(), served.served().find(model.modelId()).gpu(), model.maxRunning()));
      DeviceBlocks blocks = ready.get(i).engine().blocks();
      TierService tier = blocks == null ? null : tiers.start(blocks, info, sharing);
      if (tier != null) {
        intake.fetch(info.id(), info.keys(), tier.fetcher(), schedule.fetchDeadline());
      }
    }
    models = List.copyOf(infos);
    loaded = List.copyOf(running);
    generations = GenerationService.start(system, cluster.view(), intake, devices, schedule);
    introduce();
  }

  /** Keeps blocks for others, of every model that is seen. */
  void keepForOthers() {
    tiers.keepForOthers(this::introduce);
  }

  /** The node's gateway, if it is one. */
  void routedBy(ScheduleMetrics gateway) {
    desk = gateway;
    metrics.bind(gateway);
  }

  private static ModelInfo info(String id, KvasirServer.Ready ready) {
    GenerationEngine engine = ready.engine();
    DeviceBlocks blocks = engine.blocks();
    return new ModelInfo(
        id,
        engine.fingerprint(),
        ready.maxContextTokens(),
        engine.vocabSize(),
        engine.hiddenSize(),
        blocks == null ? null : blocks.shape(),
        blocks == null ? null : blocks.keyScheme());
  }

  /** For {@code kvasir cluster status}. */
  private List<Holdings.Tier> holdings() {
    List<Holdings.Tier> held = new ArrayList<>();
    long deviceBytes = 0;
    long deviceBlocks = 0;
    for (Loaded one : loaded) {
      EngineStats stats = one.engine().stats();
      deviceBytes += stats.arenaUsedBytes();
      deviceBlocks += stats.blocks().cachedBlocks();
    }
    if (!loaded.isEmpty()) {
      held.add(new Holdings.Tier("device", deviceBlocks, deviceBytes));
    }
    long hostBlocks = 0;
    long hostBytes = 0;
    for (TierService tier : below()) {
      TierStats host = tier.host().stats();
      hostBlocks += host.blocks();
      hostBytes += host.usedBytes();
    }
    if (!below().isEmpty()) {
      held.add(new Holdings.Tier("host", hostBlocks, hostBytes));
    }
    return held;
  }

  /** The tiers of every model. */
  private List<TierService> below() {
    return tiers == null ? List.of() : tiers.all();
  }

  /** Brings the figures of the engines up to date. */
  void observe(NodeMetrics metrics) {
    for (Loaded one : loaded) {
      metrics.observe(one.model(), one.engine().stats());
    }
  }

  NodeMemory memory() {
    List<NodeMemory.Tier> held = new ArrayList<>();
    int running = 0;
    int waiting = 0;
    for (Loaded one : loaded) {
      EngineStats stats = one.engine().stats();
      running += stats.running();
      waiting += stats.waiting();
      held.add(
          new NodeMemory.Tier(
              "device",
              one.model(),
              stats.arenaBytes(),
              stats.arenaUsedBytes(),
              stats.blocks().cachedBlocks(),
              stats.leases(),
              stats.arenaReferencedBytes(),
              stats.blocks().openCalls()));
    }
    for (TierService tier : below()) {
      TierStats host = tier.host().stats();
      held.add(
          new NodeMemory.Tier(
              "host",
              tier.model().id(),
              host.capacityBytes(),
              host.usedBytes(),
              host.blocks(),
              host.leases(),
              host.leasedBytes(),
              host.filling()));
      TierService.Peers peers = tier.peers();
      held.add(
          new NodeMemory.Tier(
              "peer", tier.model().id(), 0, 0, 0, peers.loans(), peers.lentBytes(), peers.asked()));
    }
    DirectoryMetrics entries = directory.metrics();
    ScheduleMetrics routes = desk;
    return new NodeMemory(
        cluster.identity().name(),
        held,
        new NodeMemory.Table(entries.entries(), entries.bytes()),
        routes == null
            ? new NodeMemory.Table(0, 0)
            : new NodeMemory.Table(routes.entries(), routes.bytes()),
        new NodeMemory.Sessions(sessions == null ? 0 : sessions.metrics().open()),
        new NodeMemory.Requests(running, waiting));
  }

  String name() {
    return cluster.identity().name();
  }

  CompletionStage<List<Rates>> calibrate() {
    return tiers == null
        ? CompletableFuture.failedFuture(
            new IllegalStateException("the node has no model with tiers to calibrate"))
        : tiers.calibrate();
  }

  /** Clears devices first: what they drop is not copied down any more. */
  CompletionStage<Map<Residence, Integer>> clear(Set<Residence> named) {
    CompletableFuture<Integer> devices = CompletableFuture.completedFuture(0);
    if (named.contains(Residence.DEVICE)) {
      for (Loaded one : loaded) {
        DeviceBlocks blocks = one.engine().blocks();
        if (blocks != null) {
          devices = devices.thenCombine(blocks.clear(), Integer::sum);
        }
      }
    }
    return devices.thenApply(
        dropped -> {
          Map<Residence, Integer> cleared = new EnumMap<>(Residence.class);
          if (named.contains(Residence.DEVICE)) {
            cleared.put(Residence.DEVICE, dropped);
          }
          if (named.contains(Residence.HOST)) {
            cleared.put(Residence.HOST, below().stream().mapToInt(TierService::clearHost).sum());
          }
          return cleared;
        });
  }

  private void introduce() {
    NodeInfo bare = cluster.identity().bare();
    cluster.introduce(
        new NodeInfo(
            bare.nodeId(),
            bare.incarnation(),
            bare.name(),
            bare.address(),
            bare.roles(),
            bare.appVersion(),
            models,
            directory.ref(),
            tiers == null ? null : tiers.ref(),
            generations == null ? null : generations.ref()));
  }

  /**
   * Takes nothing new from gateways; what runs has {@code limit} to end, then gateways go on
   * elsewhere. Never fails.
   */
  synchronized CompletionStage<Done> drain(Duration limit) {
    if (drained == null) {
      drained =
          generations == null
              ? CompletableFuture.completedFuture(Done.getInstance())
              : generations.drain(limit);
    }
    return drained;
  }

  /** Ends tiers, links and directory: before the devices. */
  synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    CloseHelper.quietClose(sessions);
    CloseHelper.quietClose(tiers);
    CloseHelper.quietClose(links);
    CloseHelper.quietClose(directory);
  }
}
