package io.kvasir.actors.api;

import io.kvasir.actors.cluster.ClusterService;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.engine.GenerationEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * A node of a cluster: which services it runs follows from its roles. A gateway takes requests;
 * prefill and decode nodes load the models; every node shows the others what it is. Safe from any
 * thread; whoever started it stops it.
 */
public final class ClusterNode {
  private static final Set<String> COMPUTING = Set.of("prefill", "decode");

  private final ClusterService cluster;
  private final KvasirServer server;
  private final NodeModels models;
  private final CompletableFuture<Done> ready;

  private ClusterNode(ClusterService cluster, KvasirServer server, NodeModels models) {
    this.cluster = cluster;
    this.server = server;
    this.models = models;
    this.ready = introduceWhenLoaded();
  }

  /**
   * Starts the services of this node's roles.
   *
   * @param system member of a cluster, or about to be
   * @param sources where the models come from, in the order of the settings
   * @param examples offered by a gateway's page
   * @return the running node; fails as {@link Kvasir#start} does
   */
  public static CompletionStage<ClusterNode> start(
      ActorSystem<?> system,
      KvasirSettings settings,
      ClusterSettings place,
      List<? extends ModelSource> sources,
      List<Example> examples) {
    ClusterService cluster = ClusterService.start(system, place);
    boolean computes = place.roles().stream().anyMatch(COMPUTING::contains);
    if (place.roles().contains("gateway")) {
      return Kvasir.start(system, settings, sources, examples)
          .thenApply(server -> new ClusterNode(cluster, server, null));
    }
    NodeModels models = computes ? NodeModels.load(system, settings, sources) : null;
    return CompletableFuture.completedFuture(new ClusterNode(cluster, null, models));
  }

  private CompletableFuture<Done> introduceWhenLoaded() {
    if (server == null && models == null) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    List<String> ids = server != null ? server.modelNames() : models.ids();
    List<CompletableFuture<ModelInfo>> infos = new ArrayList<>();
    for (String id : ids) {
      CompletionStage<KvasirServer.Ready> loaded =
          server != null ? server.ready(id) : models.ready(id);
      infos.add(
          loaded
              .thenApply(one -> info(id, one))
              .exceptionally(failed -> null)
              .toCompletableFuture());
    }
    return CompletableFuture.allOf(infos.toArray(CompletableFuture[]::new))
        .thenCompose(
            settled -> {
              List<ModelInfo> loaded =
                  infos.stream().map(CompletableFuture::join).filter(one -> one != null).toList();
              introduce(loaded);
              // With none of its models a node is not ready, and says why.
              return (server != null ? server.ready() : models.ready())
                  .thenApply(one -> Done.getInstance());
            });
  }

  private static ModelInfo info(String id, KvasirServer.Ready ready) {
    GenerationEngine engine = ready.engine();
    return new ModelInfo(
        id,
        engine.fingerprint(),
        ready.maxContextTokens(),
        engine.vocabSize(),
        engine.hiddenSize(),
        null,
        null);
  }

  private void introduce(List<ModelInfo> loaded) {
    NodeInfo bare = cluster.identity().bare();
    cluster.introduce(
        new NodeInfo(
            bare.nodeId(),
            bare.incarnation(),
            bare.name(),
            bare.address(),
            bare.roles(),
            bare.appVersion(),
            loaded,
            bare.directory(),
            bare.tier(),
            bare.generations()));
  }

  /** This node's place in the cluster. */
  public ClusterService cluster() {
    return cluster;
  }

  /** Its HTTP server, where it is a gateway. */
  public Optional<KvasirServer> server() {
    return Optional.ofNullable(server);
  }

  /**
   * Completes when every model of this node is loaded or has failed to, and others know; fails when
   * none is loaded.
   */
  public CompletionStage<Done> ready() {
    return ready.minimalCompletionStage();
  }

  /** Takes nothing new, lets what runs end within the stop timeout, and frees the devices. */
  public CompletionStage<Done> stop() {
    introduce(List.of());
    if (server != null) {
      return server.stop();
    }
    if (models == null) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    return models
        .stop()
        .thenApply(
            stopped -> {
              models.close();
              return stopped;
            });
  }
}
