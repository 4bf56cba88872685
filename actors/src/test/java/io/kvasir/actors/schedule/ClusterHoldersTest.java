package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.typesafe.config.Config;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.actors.tier.BlockFetcher;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.SamplingParameters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a gateway found about a prompt, over a socket to the tiers of the node that computes it. */
final class ClusterHoldersTest {
  private static final Config CONFIG =
      TestNodes.config(
          "kvasir.actors.schedule { lookup-deadline = 10 s, holders-age = 10 s, silence = 30 s,"
              + " lease = 30 s }");

  @TempDir Path folder;

  private final ActorSystem<Void> gateway =
      ActorSystem.create(Behaviors.empty(), "gateway", CONFIG);
  private TestNodes.Computing node;

  @BeforeEach
  void start() throws Exception {
    node = new TestNodes.Computing(1, TestNodes.model(folder));
  }

  @AfterEach
  void stop() {
    gateway.terminate();
    gateway.getWhenTerminated().toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
    node.stop();
  }

  @Test
  void shouldReachTheTiersOfTheNodeAsTheGatewayFoundIt() throws Exception {
    BitSet blocks = new BitSet();
    blocks.set(0, 4);
    Holdings.Holder elsewhere =
        new Holdings.Holder(5, 501, Residence.HOST, List.of((BitSet) blocks.clone()));
    Holdings.Holder itself = new Holdings.Holder(1, 101, Residence.HOST, List.of(blocks));
    Holdings found = new Holdings(List.of(elsewhere, itself), false);
    BlockingQueue<BlockFetcher.Order> fetched = new LinkedBlockingQueue<>();
    node.intake.fetch(
        TestNodes.MODEL,
        node.engine.blocks().keyScheme(),
        order -> {
          fetched.add(order);
          return CompletableFuture.completedFuture(
              new BlockFetcher.Fetched(List.of(), List.of(), Map.of(), List.of()));
        },
        Duration.ofSeconds(10));
    TestNodes.View view = new TestNodes.View(TestNodes.info(9, Set.of("gateway"), List.of(), null));
    view.see(List.of(node.seenFrom(gateway)));
    ClusterGenerations generations =
        ClusterGenerations.start(
            gateway,
            view,
            (keys, deadline) -> CompletableFuture.completedFuture(found),
            ScheduleSettings.from(CONFIG),
            gateway.executionContext());
    int[] prompt = new int[70];
    // Explained, so that the directory is asked though there is one node.
    Generation answer =
        generations
            .order(
                TestNodes.MODEL,
                new GenerationOrder(
                    "tenant",
                    prompt,
                    SamplingParameters.builder().temperature(0).maxTokens(2).build(),
                    Duration.ofSeconds(60),
                    null,
                    List.of(),
                    null,
                    true,
                    Directions.NONE))
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS);
    answer.events().runWith(Sink.ignore(), gateway).toCompletableFuture().get(60, TimeUnit.SECONDS);
    assertEquals(List.of(elsewhere), fetched.poll(60, TimeUnit.SECONDS).holdings().holders());
  }
}
