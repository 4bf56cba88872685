package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.ClusterEvent.MemberEvent;
import org.apache.pekko.cluster.ClusterEvent.MemberLeft;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Subscribe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WholeEndTest {
  private final List<ActorSystem<Void>> systems = new ArrayList<>();

  @AfterEach
  void end() throws Exception {
    for (ActorSystem<Void> system : systems) {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  private ActorSystem<Void> node() {
    Config config =
        ConfigFactory.parseString(
                """
                pekko.loglevel = WARNING
                pekko.actor.provider = cluster
                pekko.cluster.jmx.enabled = off
                pekko.cluster.downing-provider-class = "org.apache.pekko.cluster.sbr.SplitBrainResolverProvider"
                pekko.remote.artery.transport = tcp
                pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                """)
            .withFallback(ConfigFactory.load());
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "whole-end", config);
    systems.add(system);
    return system;
  }

  @Test
  void shouldEndTwoNodesThatDoNotLeaveEachOther() throws Exception {
    ActorSystem<Void> first = node();
    ActorSystem<Void> second = node();
    List<CompletableFuture<Void>> up = new ArrayList<>();
    List<CompletableFuture<MemberLeft>> left = new ArrayList<>();
    Cluster seed = Cluster.get(Adapter.toClassic(first));
    for (ActorSystem<Void> system : systems) {
      Cluster cluster = Cluster.get(Adapter.toClassic(system));
      CompletableFuture<Void> one = new CompletableFuture<>();
      cluster.registerOnMemberUp(() -> one.complete(null));
      up.add(one);
      left.add(leaving(system));
      cluster.join(seed.selfAddress());
    }
    for (CompletableFuture<Void> one : up) {
      one.get(30, TimeUnit.SECONDS);
    }
    for (ActorSystem<Void> system : systems) {
      WholeEnd.withoutLeaving(system).toCompletableFuture().get(30, TimeUnit.SECONDS);
      Cluster cluster = Cluster.get(Adapter.toClassic(system));
      assertTrue(
          cluster.isTerminated() || cluster.selfMember().status() == MemberStatus.down(),
          () -> "status " + cluster.selfMember().status());
    }
    for (ActorSystem<Void> system : systems) {
      CoordinatedShutdown.get(system)
          .runAll(CoordinatedShutdown.unknownReason())
          .toCompletableFuture()
          .get(30, TimeUnit.SECONDS);
    }
    assertEquals(0, left.stream().filter(CompletableFuture::isDone).count(), "nobody left");
  }

  /** Completes when a node sees any node leave. */
  private static CompletableFuture<MemberLeft> leaving(ActorSystem<Void> system) {
    CompletableFuture<MemberLeft> seen = new CompletableFuture<>();
    var listener =
        system.systemActorOf(
            Behaviors.<MemberEvent>receive(
                (context, event) -> {
                  if (event instanceof MemberLeft one) {
                    seen.complete(one);
                  }
                  return Behaviors.same();
                }),
            "leaving",
            Props.empty());
    org.apache.pekko.cluster.typed.Cluster.get(system)
        .subscriptions()
        .tell(Subscribe.create(listener, MemberEvent.class));
    return seen;
  }
}
