package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterService;
import io.kvasir.actors.cluster.ClusterSettings;
import io.kvasir.actors.cluster.NodeInfo;
import java.util.List;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Subscribe;

/**
 * A member of a cluster with the shipped times and no services: what kills need. Prints its view
 * after each change ({@code view: a,b,c}) and whom the cluster has removed ({@code removed: port}).
 * Arguments: its name, its port, and the ports of the seeds.
 */
final class BareNode {
  private BareNode() {}

  /** Ends when the cluster has removed it, with the exit code of a node. */
  public static void main(String[] arguments) {
    StringBuilder own = new StringBuilder();
    own.append("kvasir.actors.cluster.name = ").append(arguments[0]).append('\n');
    own.append("kvasir.node.cluster.port = ").append(arguments[1]).append('\n');
    own.append("kvasir.node.cluster.seeds = [");
    for (int i = 2; i < arguments.length; i++) {
      own.append("\"127.0.0.1:").append(arguments[i]).append("\",");
    }
    own.append("]\n");
    ActorSystem<Void> system = start("cache", own.toString());
    ClusterService service =
        ClusterService.start(system, ClusterSettings.from(system.settings().config()));
    org.apache.pekko.cluster.Cluster cluster =
        org.apache.pekko.cluster.Cluster.get(system.classicSystem());
    service.view().subscribe(nodes -> System.out.println("view: " + names(nodes)));
    system.systemActorOf(removals(), "removals", Props.empty());
    system.getWhenTerminated().toCompletableFuture().join();
    System.exit(cluster.isTerminated() ? NodeKeeper.EXIT_REMOVED : 0);
  }

  private static Behavior<ClusterEvent.MemberRemoved> removals() {
    return Behaviors.setup(
        context -> {
          Cluster.get(context.getSystem())
              .subscriptions()
              .tell(Subscribe.create(context.getSelf(), ClusterEvent.MemberRemoved.class));
          return Behaviors.receiveMessage(
              event -> {
                System.out.println("removed: " + event.member().address().getPort().orElse(0));
                return Behaviors.same();
              });
        });
  }

  private static String names(List<NodeInfo> nodes) {
    return String.join(",", nodes.stream().map(NodeInfo::name).sorted().toList());
  }

  /** An actor system of a profile, with further lines of configuration. */
  static ActorSystem<Void> start(String profile, String lines) {
    Config config =
        ConfigFactory.parseString(lines)
            .withFallback(ConfigFactory.defaultOverrides())
            .withFallback(
                ConfigFactory.parseResources(
                    BareNode.class.getClassLoader(), "io/kvasir/node/" + profile + ".conf"))
            .withFallback(ConfigFactory.defaultReferenceUnresolved())
            .resolve();
    return ActorSystem.create(
        Behaviors.empty(), ClusterConfig.SYSTEM, ClusterConfig.complete(config, "1.0.0"));
  }
}
