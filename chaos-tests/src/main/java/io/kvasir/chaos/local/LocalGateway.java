package io.kvasir.chaos.local;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.DirectoryService;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.schedule.ClusterGenerations;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.chaos.Evidence;
import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.typed.ActorSystem;

/** A gateway without HTTP: prompts in, tokens out. Any thread. */
public final class LocalGateway implements AutoCloseable {
  private static final long ALL = -1;

  private final ActorSystem<Void> system;
  private final TableView view;
  private final DirectoryService directory;
  private final ClusterGenerations generations;
  private volatile long only = ALL;

  LocalGateway(LocalCluster cluster, long id) {
    Config config =
        ConfigFactory.parseString("kvasir.actors.directory.keep = false")
            .withFallback(cluster.config());
    system = LocalCluster.system("gateway", config);
    NodeInfo self =
        new NodeInfo(
            id,
            cluster.incarnation(),
            "gateway",
            LocalNode.address(system),
            Set.of("gateway"),
            "1",
            List.of(),
            null,
            null,
            null);
    view = new TableView(self);
    directory = DirectoryService.start(system, view, DirectorySettings.from(config));
    generations =
        ClusterGenerations.start(
            system,
            view,
            directory.directory(),
            ScheduleSettings.from(config),
            system.executionContext());
  }

  void routeTo(long nodeId) {
    only = nodeId;
  }

  void see(List<LocalNode> nodes) {
    List<NodeInfo> seen = new ArrayList<>();
    seen.add(view.self());
    for (LocalNode node : nodes) {
      NodeInfo there = node.seenFrom(system);
      boolean computes = only == ALL || only == node.id();
      // The others stay a part of the directory.
      seen.add(
          LocalNode.with(
              there, there.directory(), there.tier(), computes ? there.generations() : null));
    }
    view.see(seen);
  }

  /** Address of its actor system. */
  public String address() {
    return view.self().address();
  }

  /** The directory as this gateway asks it. */
  public DirectoryService directory() {
    return directory;
  }

  /** Asks for a greedy answer of exactly so many tokens. */
  public CompletableFuture<LocalAnswer> ask(String tenant, int[] prompt, int tokens) {
    return ask(tenant, prompt, tokens, Evidence.PATIENCE);
  }

  /**
   * Asks for a greedy answer of exactly so many tokens.
   *
   * @param patience after which the client is gone
   * @return fails when no node takes it in time
   */
  public CompletableFuture<LocalAnswer> ask(
      String tenant, int[] prompt, int tokens, Duration patience) {
    return ask(tenant, prompt, tokens, patience, Directions.NONE);
  }

  /** The same, and says where it is computed: a node that is named asks the directory itself. */
  public CompletableFuture<LocalAnswer> ask(
      String tenant, int[] prompt, int tokens, Duration patience, Directions directions) {
    SamplingParameters sampling =
        SamplingParameters.builder().temperature(0).maxTokens(tokens).ignoreEos(true).build();
    GenerationOrder order =
        new GenerationOrder(
            tenant, prompt.clone(), sampling, patience, null, List.of(), null, true, directions);
    return generations
        .order(LocalModel.ID, order)
        .thenCompose(generation -> LocalAnswer.read(system, generation))
        .toCompletableFuture();
  }

  @Override
  public void close() {
    directory.close();
    LocalCluster.end(system);
  }
}
