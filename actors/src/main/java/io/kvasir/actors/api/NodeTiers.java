package io.kvasir.actors.api;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.DirectoryService;
import io.kvasir.actors.link.Links;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.Rates;
import io.kvasir.actors.tier.TierMessage;
import io.kvasir.actors.tier.TierRouter;
import io.kvasir.actors.tier.TierService;
import io.kvasir.runtime.blocks.DeviceBlocks;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.agrona.CloseHelper;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tiers of every model of a node, which share the memory that the settings give to the host
 * tier. A node with devices knows its models from the start. One that keeps blocks for others meets
 * them one by one; each new one makes the shares smaller, for which the tiers begin anew and empty:
 * what they held is soft state. Safe from any thread; starting blocks.
 */
final class NodeTiers implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NodeTiers.class);

  private final ActorSystem<?> system;
  private final ClusterView view;
  private final DirectoryService directory;
  private final Links links;
  private final NodeMetrics metrics;
  private final TierSettings settings;
  private final TierRouter router;
  private final Map<String, TierService> tiers = new LinkedHashMap<>();
  private volatile List<TierService> all = List.of();
  private AutoCloseable waiting;
  private boolean closed;

  NodeTiers(
      ActorSystem<?> system,
      ClusterView view,
      DirectoryService directory,
      Links links,
      NodeMetrics metrics) {
    this.system = system;
    this.view = view;
    this.directory = directory;
    this.links = links;
    this.metrics = metrics;
    this.settings = TierSettings.from(system.settings().config());
    this.router = TierRouter.start(system);
  }

  /** What peers talk to; null while there is no tier. */
  ActorRef<TierMessage> ref() {
    return all.isEmpty() ? null : router.ref();
  }

  /** The tiers, a model each. */
  List<TierService> all() {
    return all;
  }

  /**
   * Starts the tiers of a model on a device of this node.
   *
   * @param models with blocks on this node, this one included
   * @return null where another device of the node has the same blocks, or the node is stopping
   */
  synchronized TierService start(DeviceBlocks blocks, ModelInfo model, int models) {
    if (closed) {
      return null;
    }
    if (tiers.containsKey(model.shape().domainDigest())) {
      LOG.warn(
          "{} has no tiers below its device, another model of this node has the same blocks",
          model.id());
      return null;
    }
    return open(blocks, model, models);
  }

  private TierService open(DeviceBlocks blocks, ModelInfo model, int models) {
    TierService started =
        TierService.start(
            system,
            view,
            directory.directory(),
            directory.announcer(),
            blocks,
            model,
            links,
            settings,
            models);
    metrics.bind(started.meters());
    tiers.put(model.shape().domainDigest(), started);
    router.add(model.shape().domainDigest(), started);
    all = List.copyOf(tiers.values());
    return started;
  }

  /**
   * Keeps blocks of every model that other nodes have.
   *
   * @param changed run after tiers were started
   */
  synchronized void keepForOthers(Runnable changed) {
    Executor blocking = system.dispatchers().lookup(DispatcherSelector.blocking());
    waiting =
        view.subscribe(
            nodes -> {
              List<ModelInfo> seen = seen(nodes);
              if (seen.stream().anyMatch(model -> !kept(model))) {
                blocking.execute(
                    () -> {
                      if (keep(seen)) {
                        changed.run();
                      }
                    });
              }
            });
  }

  private static List<ModelInfo> seen(List<NodeInfo> nodes) {
    return nodes.stream()
        .flatMap(node -> node.models().stream())
        .filter(model -> model.shape() != null)
        .toList();
  }

  private boolean kept(ModelInfo model) {
    return all.stream()
        .anyMatch(tier -> tier.model().shape().domainDigest().equals(model.shape().domainDigest()));
  }

  private synchronized boolean keep(List<ModelInfo> seen) {
    Map<String, ModelInfo> wanted = new LinkedHashMap<>();
    tiers.forEach((domain, tier) -> wanted.put(domain, tier.model()));
    for (ModelInfo model : seen) {
      if (wanted.size() < settings.maxModels()) {
        wanted.putIfAbsent(model.shape().domainDigest(), model);
      }
    }
    if (closed || wanted.size() == tiers.size()) {
      return false;
    }
    List<TierService> before = List.copyOf(tiers.values());
    tiers.keySet().forEach(router::remove);
    tiers.clear();
    all = List.of();
    // Their memory first: old and new shares together would be more than was given.
    before.forEach(TierService::close);
    before.forEach(tier -> tier.host().freed().join());
    wanted.values().forEach(model -> open(null, model, wanted.size()));
    LOG.info(
        "this node keeps blocks of {}, in equal shares of its host memory",
        wanted.values().stream().map(ModelInfo::id).toList());
    return true;
  }

  /** Measures every model's sources, one model after another. */
  CompletionStage<List<Rates>> calibrate() {
    CompletionStage<List<Rates>> measured = CompletableFuture.completedFuture(new ArrayList<>());
    if (all.isEmpty()) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("the node has no model with tiers to calibrate"));
    }
    for (TierService tier : all) {
      measured =
          measured.thenCompose(
              before ->
                  tier.calibrate()
                      .thenApply(
                          rates -> {
                            before.add(rates);
                            return before;
                          }));
    }
    return measured;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      CloseHelper.quietClose(waiting);
      tiers.values().forEach(CloseHelper::quietClose);
    }
  }
}
