package io.kvasir.node.bench.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.DirectoryBench.Figure;
import io.kvasir.actors.session.Demoter;
import io.kvasir.actors.session.SessionService;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.settings.SessionSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;

/** Heap of sessions in the service that nodes run, in a cluster of one. One thread. */
final class SessionMemory {
  private static final NodeInfo SELF =
      new NodeInfo(1, 1, "", "", Set.of(), "", List.of(), null, null, null);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String TENANT = "acme";

  /** This node, and none else. */
  private static final class Alone implements ClusterView {
    @Override
    public NodeInfo self() {
      return SELF;
    }

    @Override
    public List<NodeInfo> reachable() {
      return List.of(SELF);
    }

    @Override
    public AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
      listener.accept(reachable());
      return () -> {};
    }
  }

  private SessionMemory() {}

  /** Opens so many sessions, each with one use, and compares the heap after collections. */
  static Figure measure(int count) throws Exception {
    Config config =
        ConfigFactory.parseString(
                """
                pekko.actor.provider = cluster
                pekko.actor.allow-java-serialization = off
                pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                pekko.cluster.jmx.enabled = off
                pekko.cluster.downing-provider-class = "org.apache.pekko.cluster.sbr.SplitBrainResolverProvider"
                pekko.loglevel = WARNING
                """)
            .withFallback(ConfigFactory.load());
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "sessions", config);
    CompletableFuture<Boolean> up = new CompletableFuture<>();
    org.apache.pekko.cluster.Cluster.get(system.classicSystem())
        .registerOnMemberUp(() -> up.complete(true));
    Cluster cluster = Cluster.get(system);
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
    up.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    try (SessionService service =
        SessionService.start(system, new Alone(), Demoter.NONE, SessionSettings.from(config))) {
      Sessions sessions = service.sessions();
      sessions.record(TENANT, "first", use(1));
      awaitKnown(sessions, "first");
      long before = usedHeapBytes();
      for (int i = 0; i < count; i++) {
        sessions.record(TENANT, "idle-" + i, use(i));
      }
      for (int i = 0; i < count; i++) {
        awaitKnown(sessions, "idle-" + i);
      }
      return new Figure(
          "heap of %,d idle sessions".formatted(count),
          (usedHeapBytes() - before) / 1e6,
          "MB",
          ClusterGoals.SESSIONS_MB.bound(),
          false);
    }
  }

  private static Sessions.Use use(int blocks) {
    Sessions.Tail longest =
        new Sessions.Tail("measured", 1, 0, new long[2 * Sessions.Tail.MAX_BLOCKS]);
    return new Sessions.Use(SELF.nodeId(), SELF.incarnation(), 1, 2, blocks, 100, 10, longest);
  }

  private static void awaitKnown(Sessions sessions, String id) throws IOException {
    long endNs = System.nanoTime() + PATIENCE.toNanos();
    while (sessions
        .hint(TENANT, id, Duration.ofSeconds(1))
        .toCompletableFuture()
        .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
        .join()
        .isEmpty()) {
      if (System.nanoTime() > endNs) {
        throw new IOException("session " + id + " is still not known");
      }
    }
  }

  private static long usedHeapBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
