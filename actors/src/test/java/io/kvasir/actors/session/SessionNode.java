package io.kvasir.actors.session;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.session.Sessions.Hint;
import io.kvasir.actors.session.Sessions.Use;
import io.kvasir.actors.settings.SessionSettings;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;

/** A real cluster member with the session service. */
final class SessionNode implements AutoCloseable {
  /** A node that is alive, and none else: id 7, life 70. */
  private static final class OneNode implements ClusterView {
    private static final NodeInfo NODE =
        new NodeInfo(7, 70, "", "", Set.of(), "", List.of(), null, null, null);

    @Override
    public NodeInfo self() {
      return NODE;
    }

    @Override
    public List<NodeInfo> reachable() {
      return List.of(NODE);
    }

    @Override
    public AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
      listener.accept(reachable());
      return () -> {};
    }
  }

  private static final Config CLUSTER =
      ConfigFactory.parseString(
              """
              pekko.actor.provider = cluster
              pekko.actor.allow-java-serialization = off
              pekko.actor.serialization-bindings {
                "io.kvasir.actors.cluster.ClusterMessage" = jackson-cbor
              }
              pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
              pekko.cluster.jmx.multi-mbeans-in-same-jvm = on
              pekko.cluster.downing-provider-class = "org.apache.pekko.cluster.sbr.SplitBrainResolverProvider"
              pekko.coordinated-shutdown.run-by-actor-system-terminate = off
              """)
          .withFallback(ConfigFactory.load());

  private final ActorSystem<Void> system =
      ActorSystem.create(Behaviors.empty(), "sessions", CLUSTER);
  private final ConcurrentLinkedQueue<String> demoted = new ConcurrentLinkedQueue<>();
  private SessionService service;

  static SessionSettings settings(String lines) {
    return SessionSettings.from(
        ConfigFactory.parseString("kvasir.actors.session {\n" + lines + "\n}")
            .withFallback(ConfigFactory.load()));
  }

  /** A use of the living node. */
  static Use use(int blocks) {
    return new Use(7, 70, 1, 2, blocks, 100, 10, null);
  }

  /** Forms a cluster of these nodes and starts the service on each. */
  static void form(SessionSettings settings, SessionNode... nodes) throws Exception {
    Cluster first = Cluster.get(nodes[0].system);
    for (SessionNode node : nodes) {
      Cluster.get(node.system).manager().tell(Join.create(first.selfMember().address()));
    }
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
    for (SessionNode node : nodes) {
      while (node.membersUp() < nodes.length) {
        if (System.nanoTime() - endNs > 0) {
          throw new TimeoutException("only " + node.membersUp() + " members are up");
        }
        Thread.onSpinWait();
      }
    }
    for (SessionNode node : nodes) {
      node.service =
          SessionService.start(
              node.system,
              new OneNode(),
              (tenant, last) -> node.demoted.add(tenant + " " + last.blockCount()),
              settings);
    }
  }

  Sessions sessions() {
    return service.sessions();
  }

  SessionService service() {
    return service;
  }

  /** Demotions ordered by this node, as "tenant blocks". */
  ConcurrentLinkedQueue<String> demoted() {
    return demoted;
  }

  /** Asks until the answer is as expected. */
  Optional<Hint> await(String tenant, String id, Predicate<Optional<Hint>> expected)
      throws TimeoutException {
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
    while (true) {
      Optional<Hint> hint = ask(tenant, id, Duration.ofSeconds(1));
      if (expected.test(hint)) {
        return hint;
      }
      if (System.nanoTime() - endNs > 0) {
        throw new TimeoutException("still " + hint);
      }
    }
  }

  Optional<Hint> ask(String tenant, String id, Duration deadline) {
    return sessions()
        .hint(tenant, id, deadline)
        .toCompletableFuture()
        .orTimeout(60, TimeUnit.SECONDS)
        .join();
  }

  private long membersUp() {
    long up = 0;
    for (var member : Cluster.get(system).state().getMembers()) {
      up += member.status().equals(MemberStatus.up()) ? 1 : 0;
    }
    return up;
  }

  /** Leaves the cluster in good order. */
  void leave() throws Exception {
    CoordinatedShutdown.get(system)
        .runAll(CoordinatedShutdown.clusterLeavingReason())
        .toCompletableFuture()
        .get(90, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    if (service != null) {
      service.close();
    }
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
  }
}
