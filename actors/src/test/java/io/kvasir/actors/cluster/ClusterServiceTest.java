package io.kvasir.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ClusterServiceTest {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private final List<ActorSystem<Void>> systems = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() {
    systems.forEach(ActorSystem::terminate);
    systems.forEach(system -> system.getWhenTerminated().toCompletableFuture().join());
  }

  private ClusterService node(String name, boolean clustered) {
    Config config =
        ConfigFactory.parseString(
                """
                kvasir.actors.cluster { name = %s, roles = [decode], repeat-interval = 200 ms }
                pekko.remote.artery { canonical { hostname = "127.0.0.1", port = 0 } }
                pekko.cluster.jmx.enabled = off
                pekko.coordinated-shutdown.exit-jvm = off
                """
                    .formatted(name))
            .withFallback(
                ConfigFactory.parseString(clustered ? "pekko.actor.provider = cluster" : ""))
            .withFallback(ConfigFactory.load());
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "kvasir", config);
    systems.add(system);
    return ClusterService.start(system, ClusterSettings.from(system.settings().config()));
  }

  private static void await(ClusterService service, List<String> names) throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    AutoCloseable subscription =
        service
            .view()
            .subscribe(
                nodes -> {
                  if (nodes.stream().map(NodeInfo::name).sorted().toList().equals(names)) {
                    seen.countDown();
                  }
                });
    boolean inTime = seen.await(BOUND.toSeconds(), TimeUnit.SECONDS);
    subscription.close();
    assertTrue(inTime, () -> "the view is " + service.view().reachable() + ", not " + names);
  }

  @Test
  void shouldHoldThisNodeAloneWithoutACluster() throws Exception {
    ClusterService alone = node("alone", false);
    await(alone, List.of("alone"));
    NodeInfo bare = alone.identity().bare();
    alone.introduce(
        new NodeInfo(
            bare.nodeId(),
            bare.incarnation(),
            "renamed",
            bare.address(),
            bare.roles(),
            "2",
            List.of(),
            null,
            null,
            null));
    await(alone, List.of("renamed"));
    assertEquals("renamed", alone.view().self().name());
    alone.leave().toCompletableFuture().get(1, TimeUnit.SECONDS);
  }

  @Test
  void shouldIntroduceNodesToEachOtherAndForgetOneThatLeaves() throws Exception {
    ClusterService left = node("left", true);
    ClusterService right = node("right", true);
    Cluster first = Cluster.get(systems.get(0));
    first.manager().tell(Join.create(first.selfMember().address()));
    Cluster.get(systems.get(1)).manager().tell(Join.create(first.selfMember().address()));
    await(left, List.of("left", "right"));
    await(right, List.of("left", "right"));
    assertNotEquals(left.identity().incarnation(), right.identity().incarnation());
    assertEquals(right.view().self(), left.view().find(right.identity().nodeId()));

    List<NodeMessage.Holdings.Tier> held = List.of(new NodeMessage.Holdings.Tier("host", 3, 4096));
    right.holdings(() -> held);
    assertEquals(
        Map.of(left.identity().nodeId(), List.of(), right.identity().nodeId(), held),
        left.holdings(BOUND).toCompletableFuture().get(BOUND.toSeconds(), TimeUnit.SECONDS));

    NodeInfo bare = right.identity().bare();
    right.introduce(
        new NodeInfo(
            bare.nodeId(),
            bare.incarnation(),
            "right again",
            bare.address(),
            bare.roles(),
            "2",
            List.of(),
            systems.get(1).deadLetters(),
            null,
            null));
    await(left, List.of("left", "right again"));

    right.leave().toCompletableFuture().get(BOUND.toSeconds(), TimeUnit.SECONDS);
    await(left, List.of("left"));
  }
}
