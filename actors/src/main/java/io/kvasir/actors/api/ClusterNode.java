package io.kvasir.actors.api;

import io.kvasir.actors.cluster.ClusterService;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.gateway.tls.ReloadingTls;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.schedule.ClusterGenerations;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import io.kvasir.actors.settings.ScheduleSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * A node of a cluster: which services it runs follows from its roles. Prefill and decode nodes load
 * the models; a gateway takes requests for whatever any node has loaded, and needs the models' text
 * only; a cache node keeps blocks for others. Safe from any thread; whoever started it stops it.
 */
public final class ClusterNode {
  private static final Set<String> COMPUTING = Set.of("prefill", "decode");

  private final KvasirSettings settings;
  private final ClusterService cluster;
  private final NodeServices services;
  private final NodeModels models;
  private final KvasirServer server;
  private final CompletableFuture<Done> ready;
  private final NodeMetrics metrics;

  private ClusterNode(
      KvasirSettings settings,
      ClusterService cluster,
      NodeServices services,
      NodeModels models,
      KvasirServer server,
      CompletableFuture<Done> ready,
      NodeMetrics metrics) {
    this.metrics = metrics;
    this.settings = settings;
    this.cluster = cluster;
    this.services = services;
    this.models = models;
    this.server = server;
    this.ready = ready;
  }

  /**
   * Starts the services of this node's roles. Returns when a gateway listens; models load beside
   * it.
   *
   * @param system member of a cluster, or about to be
   * @param sources where the models come from, in the order of the settings
   * @param examples offered by a gateway's page
   * @return the running node; fails as {@link Kvasir#start} does, and where the media driver cannot
   *     be used
   */
  public static CompletionStage<ClusterNode> start(
      ActorSystem<?> system,
      KvasirSettings settings,
      ClusterSettings place,
      List<? extends ModelSource> sources,
      List<Example> examples) {
    Kvasir.checkSources(settings, sources);
    return Kvasir.front(settings)
        .thenCompose(
            tls -> {
              ClusterService cluster = ClusterService.start(system, place);
              NodeMetrics metrics =
                  new NodeMetrics(
                      settings.models().stream().map(RuntimeSettings::modelId).toList());
              // The media driver may have to be started, which takes a while.
              return CompletableFuture.supplyAsync(
                      () -> NodeServices.start(system, cluster, metrics),
                      NodeModels.loader(system, settings))
                  .thenCompose(
                      services ->
                          start(
                              system, settings, sources, examples, tls, cluster, services,
                              metrics));
            });
  }

  private static CompletionStage<ClusterNode> start(
      ActorSystem<?> system,
      KvasirSettings settings,
      List<? extends ModelSource> sources,
      List<Example> examples,
      Optional<ReloadingTls> tls,
      ClusterService cluster,
      NodeServices services,
      NodeMetrics metrics) {
    Set<String> roles = cluster.identity().roles();
    boolean gateway = roles.contains("gateway");
    NodeModels models = null;
    CompletableFuture<Done> ready = CompletableFuture.completedFuture(Done.getInstance());
    if (roles.stream().anyMatch(COMPUTING::contains)) {
      models = NodeModels.load(system, settings, sources);
      ready = computeWhenLoaded(system, settings, services, models);
    } else {
      if (roles.contains("cache")) {
        services.keepForOthers();
      }
      if (gateway) {
        models = NodeModels.offer(system, settings, sources, cluster.view());
        ready = models.ready().thenApply(one -> Done.getInstance()).toCompletableFuture();
      }
    }
    NodeModels all = models;
    CompletableFuture<Done> whenReady = ready;
    if (!gateway) {
      return CompletableFuture.completedFuture(
          new ClusterNode(settings, cluster, services, all, null, whenReady, metrics));
    }
    ClusterGenerations generations =
        ClusterGenerations.start(
            system,
            cluster.view(),
            services.directory().directory(),
            services.sessions(),
            ScheduleSettings.from(system.settings().config()),
            Kvasir.workers(system, settings));
    services.routedBy(generations.metrics());
    return Kvasir.serve(
            system,
            settings,
            tls.orElse(null),
            all,
            generations,
            examples,
            metrics,
            settings.gateway().maxRequests(),
            () -> services.drain(settings.gateway().stopTimeout()).thenApply(done -> end(services)))
        .whenComplete(
            (server, failure) -> {
              if (failure != null) {
                services.close();
              }
            })
        .thenApply(
            server ->
                new ClusterNode(settings, cluster, services, all, server, whenReady, metrics));
  }

  private static Done end(NodeServices services) {
    services.close();
    return Done.getInstance();
  }

  private static CompletableFuture<Done> computeWhenLoaded(
      ActorSystem<?> system, KvasirSettings settings, NodeServices services, NodeModels models) {
    List<CompletableFuture<KvasirServer.Ready>> loading = new ArrayList<>();
    for (String id : models.ids()) {
      loading.add(models.ready(id).exceptionally(failed -> null).toCompletableFuture());
    }
    return CompletableFuture.allOf(loading.toArray(CompletableFuture<?>[]::new))
        .thenCompose(settled -> models.ready())
        .thenApplyAsync(
            first -> {
              services.compute(
                  settings,
                  models,
                  Kvasir.intake(system, settings, models),
                  loading.stream().map(CompletableFuture::join).toList());
              return Done.getInstance();
            },
            NodeModels.loader(system, settings));
  }

  /** This node's place in the cluster. */
  public ClusterService cluster() {
    return cluster;
  }

  /** What an operator may ask of it. */
  public NodeAdmin admin() {
    return new NodeAdmin(services, metrics);
  }

  /** Its HTTP server, where it is a gateway. */
  public Optional<KvasirServer> server() {
    return Optional.ofNullable(server);
  }

  /**
   * Completes when every model of this node is loaded or has failed to, and it computes for others;
   * on a gateway without devices, when a node with a model was found. Fails when nothing is loaded.
   */
  public CompletionStage<Done> ready() {
    return ready.minimalCompletionStage();
  }

  /** Takes nothing new, lets what runs end within the stop timeout, and frees the devices. */
  public CompletionStage<Done> stop() {
    CompletionStage<Done> drained = services.drain(settings.gateway().stopTimeout());
    if (server != null) {
      return drained.thenCombine(server.stop(), (done, stopped) -> done);
    }
    return drained
        .thenApply(done -> end(services))
        .thenCompose(
            done -> models == null ? CompletableFuture.completedFuture(done) : models.stop())
        .thenApply(
            done -> {
              if (models != null) {
                models.close();
              }
              metrics.close();
              return done;
            });
  }
}
