package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationEvent;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Pooling;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenLogprobs;
import io.kvasir.runtime.engine.Usage;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway without models and nodes that compute, over sockets: what is asked of one node. */
final class ClusterFailoverTest {
  private static final int MAX_TOKENS = 500;
  private static final int SEEN = 8;

  /** Where answers are held that are to be interrupted; all are in the batch, so all were seen. */
  private static final int HELD = 100;

  @TempDir static Path folder;

  private static ActorSystem<Void> gateway;
  private static TestNodes.View view;
  private static ClusterGenerations generations;
  private static TestNodes.Computing first;
  private static TestNodes.Computing second;

  @BeforeAll
  static void start() throws Exception {
    String model = TestNodes.model(folder);
    first = new TestNodes.Computing(1, model);
    second = new TestNodes.Computing(2, model);
    Config config = TestNodes.config("");
    gateway = ActorSystem.create(Behaviors.empty(), "gateway", config);
    view = new TestNodes.View(TestNodes.info(9, Set.of("gateway"), List.of(), null));
    generations =
        ClusterGenerations.start(
            gateway, view, null, ScheduleSettings.from(config), gateway.executionContext());
  }

  @AfterAll
  static void stop() {
    gateway.terminate();
    gateway.getWhenTerminated().toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
    first.stop();
    second.stop();
  }

  private static int[] prompt(int length, int salt) {
    int[] tokens = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = 3 + (i * 31 + salt * 17) % 250;
    }
    return tokens;
  }

  private static GenerationOrder order(
      int salt, SamplingParameters.Builder sampling, GrammarSpec grammar) {
    return new GenerationOrder(
        "tenant",
        prompt(70, salt),
        sampling.maxTokens(MAX_TOKENS).build(),
        Duration.ofSeconds(60),
        grammar,
        List.of(),
        "session",
        true,
        Directions.NONE);
  }

  private static SamplingParameters.Builder sampling() {
    return SamplingParameters.builder().temperature(0);
  }

  /** Stop strings that never match, longer than one message together. */
  private static List<String> longStops() {
    List<String> stops = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      stops.add(("never " + i + " ").repeat(100));
    }
    return stops;
  }

  private static List<GenerationOrder> orders() {
    return List.of(
        order(1, sampling(), null),
        order(2, sampling().temperature(1).topP(0.9f).seed(5L), null),
        order(3, sampling().temperature(0.8f).seed(6L).logprobs(3).promptLogprobs(2), null),
        order(4, sampling().temperature(1).seed(7L), new GrammarSpec.Regex("[a-z ]{600}")),
        order(5, sampling().temperature(1).seed(8L).n(2), null),
        order(6, sampling().temperature(1).seed(9L).n(2).bestOf(3), null),
        order(7, sampling().stopStrings(longStops()), null));
  }

  /** A stream as its client sees it. */
  private static final class Client {
    final Generation generation;
    final List<List<Integer>> tokens = new ArrayList<>();
    final FinishReason[] reasons;
    final Usage[] usages;
    final CompletableFuture<Void> seen = new CompletableFuture<>();
    final CompletableFuture<?> end;

    Client(Generation generation) {
      this.generation = generation;
      this.reasons = new FinishReason[generation.choiceCount()];
      this.usages = new Usage[generation.choiceCount()];
      for (int i = 0; i < reasons.length; i++) {
        tokens.add(new ArrayList<>());
      }
      this.end =
          generation
              .events()
              .runWith(Sink.foreach(this::take), gateway)
              .toCompletableFuture()
              .orTimeout(60, TimeUnit.SECONDS);
    }

    private void take(GenerationEvent event) {
      switch (event) {
        case GenerationEvent.Tokens t -> {
          assertEquals(tokens.get(t.choice()).size(), t.first());
          for (int id : t.ids()) {
            tokens.get(t.choice()).add(id);
          }
          if (t.first() + t.ids().length >= SEEN) {
            seen.complete(null);
          }
        }
        case GenerationEvent.Finished f -> {
          reasons[f.choice()] = f.reason();
          usages[f.choice()] = f.usage();
        }
      }
    }
  }

  private static Client run(Generations through, GenerationOrder order) {
    return new Client(
        through
            .order(TestNodes.MODEL, order)
            .toCompletableFuture()
            .orTimeout(60, TimeUnit.SECONDS)
            .join());
  }

  private static void assertSame(int which, Client expected, Client actual) {
    assertEquals(expected.tokens, actual.tokens, "order " + which);
    assertArrayEquals(expected.reasons, actual.reasons, "order " + which);
    assertEquals(expected.generation.kept(), actual.generation.kept(), "order " + which);
    assertEquals(expected.generation.fingerprint(), actual.generation.fingerprint());
    for (int choice = 0; choice < expected.tokens.size(); choice++) {
      assertLogprobs(
          expected.generation.logprobs(choice),
          actual.generation.logprobs(choice),
          expected.tokens.get(choice).size());
      Usage usage = actual.usages[choice];
      assertEquals(usage.promptTokens(), usage.sources().total());
      assertEquals(actual.tokens.get(choice).size(), usage.generatedTokens());
    }
    assertLogprobs(expected.generation.promptLogprobs(), actual.generation.promptLogprobs(), 70);
  }

  private static void assertLogprobs(TokenLogprobs expected, TokenLogprobs actual, int count) {
    assertEquals(expected == null, actual == null);
    for (int i = 0; expected != null && i < count; i++) {
      assertEquals(expected.logprob(i), actual.logprob(i), "token " + i);
      for (int rank = 0; rank < expected.topCount(); rank++) {
        // The first token of a prompt has none.
        if (!Float.isNaN(expected.logprob(i))) {
          assertEquals(expected.topToken(i, rank), actual.topToken(i, rank), "token " + i);
          assertEquals(expected.topLogprob(i, rank), actual.topLogprob(i, rank), "token " + i);
        }
      }
    }
  }

  @Test
  void shouldGoOnTokenForTokenWhenTheComputingNodeDies() throws Exception {
    // A third node, which is to die.
    TestNodes.Computing dying = new TestNodes.Computing(3, TestNodes.model(folder));
    List<Client> expected = new ArrayList<>();
    for (GenerationOrder order : orders()) {
      expected.add(run(Generations.local(second.intake), order));
    }
    for (Client client : expected) {
      client.end.join();
    }
    view.see(List.of(dying.seenFrom(gateway)));
    dying.gate.holdAt(HELD);
    List<Client> clients = new ArrayList<>();
    for (GenerationOrder order : orders()) {
      clients.add(run(generations, order));
    }
    dying.gate.begin();
    for (Client client : clients) {
      client.seen.get(60, TimeUnit.SECONDS);
    }
    view.see(List.of(second.seenFrom(gateway), dying.seenFrom(gateway)));
    dying.stop();
    dying.gate.release();
    for (int i = 0; i < clients.size(); i++) {
      clients.get(i).end.join();
      assertSame(i, expected.get(i), clients.get(i));
      assertTrue(clients.get(i).generation.serving().attempts() >= 2, "order " + i);
      assertEquals("n2", clients.get(i).generation.serving().node(), "order " + i);
      assertTrue(clients.get(i).generation.serving().replayedTokens() >= 70, "order " + i);
    }
    assertEquals(0, second.settled().leases());
    view.see(List.of());
  }

  @Test
  void shouldMoveWhatADrainingNodeHasNotEnded() throws Exception {
    TestNodes.Computing leaving = new TestNodes.Computing(4, TestNodes.model(folder));
    GenerationOrder order = orders().get(1);
    Client expected = run(Generations.local(first.intake), order);
    expected.end.join();
    view.see(List.of(leaving.seenFrom(gateway)));
    leaving.gate.holdAt(HELD);
    Client client = run(generations, order);
    leaving.gate.begin();
    client.seen.get(60, TimeUnit.SECONDS);
    view.see(List.of(leaving.seenFrom(gateway), first.seenFrom(gateway)));
    leaving.service.drain(Duration.ZERO).toCompletableFuture().get(30, TimeUnit.SECONDS);
    leaving.gate.release();
    assertEquals(0, leaving.settled().leases());
    client.end.join();
    assertSame(1, expected, client);
    assertEquals("n1", client.generation.serving().node());
    leaving.stop();
    view.see(List.of());
  }

  @Test
  void shouldReleaseEverythingWhenTheClientLeaves() throws Exception {
    view.see(List.of(first.seenFrom(gateway)));
    first.gate.holdAt(HELD);
    Client client = run(generations, orders().get(4));
    first.gate.begin();
    client.seen.get(60, TimeUnit.SECONDS);
    client.generation.cancel();
    client.end.join();
    first.gate.release();
    assertArrayEquals(
        new FinishReason[] {FinishReason.CANCELLED, FinishReason.CANCELLED}, client.reasons);
    assertEquals(0, first.settled().leases());
    assertEquals(0, first.settled().running());
    view.see(List.of());
  }

  @Test
  void shouldEmbedElsewhereAsHere() throws Exception {
    EmbeddingOrder order =
        new EmbeddingOrder("tenant", prompt(40, 3), Pooling.LAST, Duration.ofSeconds(60));
    float[] here =
        first
            .intake
            .take(TestNodes.MODEL, order)
            .thenCompose(Embedding::result)
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS)
            .vector();
    view.see(List.of(second.seenFrom(gateway)));
    float[] there =
        generations
            .embed(TestNodes.MODEL, order)
            .thenCompose(Embedding::result)
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS)
            .vector();
    assertArrayEquals(here, there);
    view.see(List.of());
  }

  @Test
  void shouldSayWhyNobodyTakesAnOrder() {
    view.see(List.of());
    OrderRefusedException none = refusal(orders().getFirst());
    assertEquals(OrderRefusedException.Code.NO_NODE, none.code());
    view.see(List.of(first.seenFrom(gateway), second.seenFrom(gateway)));
    OrderRefusedException grammar =
        refusal(order(1, sampling(), new GrammarSpec.Regex("(unclosed")));
    assertEquals(OrderRefusedException.Code.GRAMMAR, grammar.code());
    OrderRefusedException tooLong =
        refusal(
            new GenerationOrder(
                "tenant",
                prompt(2040, 1),
                sampling().maxTokens(100).build(),
                Duration.ofSeconds(60)));
    assertEquals(OrderRefusedException.Code.CONTEXT_OVERFLOW, tooLong.code());
    view.see(List.of());
  }

  private static OrderRefusedException refusal(GenerationOrder order) {
    CompletionException failure =
        assertThrows(
            CompletionException.class,
            () ->
                generations
                    .order(TestNodes.MODEL, order)
                    .toCompletableFuture()
                    .orTimeout(60, TimeUnit.SECONDS)
                    .join());
    return assertInstanceOf(OrderRefusedException.class, failure.getCause());
  }
}
