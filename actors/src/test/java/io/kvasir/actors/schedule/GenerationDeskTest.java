package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A gateway's desk between probes that stand for nodes. */
final class GenerationDeskTest {
  private static final int SLOTS = 16;
  private static final Duration LONG = Duration.ofSeconds(20);

  private static ActorTestKit kit;
  private static ScheduleSettings settings;

  @BeforeAll
  static void start() {
    kit = ActorTestKit.create(ConfigFactory.load());
    // Probes say nothing by themselves: nobody is given up for that.
    settings =
        ScheduleSettings.from(
            ConfigFactory.parseString(
                    "kvasir.actors.schedule { silence = 1 minute, renew-interval = 10 s, lease = 1"
                        + " minute }")
                .withFallback(ConfigFactory.load()));
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  /** A node that does what the test says. */
  private static final class Node {
    final TestProbe<GenerationMessage> probe = kit.createTestProbe();
    final NodeInfo info;

    Node(long id, String role) {
      BlockShape shape = new BlockShape("d", SLOTS, List.of(new BlockShape.Group(1024, 1, 0, 0)));
      KeyScheme keys = new KeyScheme(SLOTS, List.of(new byte[16]));
      ModelInfo model = new ModelInfo("m", "f", 8192, 300, 8, shape, keys);
      info = TestNodes.info(id, Set.of(role), List.of(model), probe.getRef());
    }

    <T extends GenerationMessage> T next(Class<T> type) {
      long deadlineNs = System.nanoTime() + LONG.toNanos();
      while (System.nanoTime() < deadlineNs) {
        GenerationMessage message = probe.receiveMessage(LONG);
        if (type.isInstance(message)) {
          return type.cast(message);
        }
        assertTrue(message instanceof GenerationMessage.Watch, () -> "unexpected " + message);
      }
      throw new AssertionError("no " + type.getSimpleName());
    }

    void load(ActorRef<DeskCommand> desk, long backlogTokens) {
      load(desk, info.incarnation(), backlogTokens);
    }

    void load(ActorRef<DeskCommand> desk, long incarnation, long backlogTokens) {
      desk.tell(
          new GenerationReply.Load(
              info.nodeId(),
              incarnation,
              1,
              "m",
              0,
              0,
              64,
              backlogTokens,
              0,
              0,
              1000,
              0,
              0,
              false));
    }

    void finish(GenerationMessage.Start start, int tokens) {
      int prompt = start.prompt().length;
      start
          .replyTo()
          .tell(
              new GenerationReply.Finished(
                  start.requestId(),
                  start.attempt(),
                  0,
                  tokens,
                  FinishReason.LENGTH,
                  new WireUsage(prompt, 0, 0, 0, 0, 0, 0, prompt, tokens, 0, 1, 0, 1, 2, 3),
                  null,
                  0,
                  0,
                  null,
                  null));
    }
  }

  private static GenerationOrder order(int promptTokens, String session) {
    int[] prompt = new int[promptTokens];
    SamplingParameters sampling =
        SamplingParameters.builder().temperature(0).seed(1L).maxTokens(8).build();
    return new GenerationOrder(
        "t",
        prompt,
        sampling,
        Duration.ofSeconds(60),
        null,
        List.of(),
        session,
        false,
        Directions.NONE);
  }

  private record Desk(ActorRef<DeskCommand> ref, TestProbe<GenerationDesk.OrderReply> replies) {
    void order(long id, GenerationOrder order) {
      ref.tell(new GenerationDesk.Order(id, "m", order, replies.getRef()));
    }
  }

  private static Desk desk(Sessions sessions, Holdings holdings, Node... nodes) {
    return desk(settings, sessions, holdings, nodes);
  }

  private static Desk desk(
      ScheduleSettings settings, Sessions sessions, Holdings holdings, Node... nodes) {
    return desk(
        settings, sessions, (keys, deadline) -> CompletableFuture.completedFuture(holdings), nodes);
  }

  private static Desk desk(
      ScheduleSettings settings, Sessions sessions, Directory directory, Node... nodes) {
    return desk(settings, sessions, directory, node -> false, nodes);
  }

  private static Desk desk(
      ScheduleSettings settings,
      Sessions sessions,
      Directory directory,
      Predicate<NodeInfo> refused,
      Node... nodes) {
    TestNodes.View view =
        new TestNodes.View(TestNodes.info(99, Set.of("gateway"), List.of(), null));
    List<NodeInfo> infos = new ArrayList<>();
    for (Node node : nodes) {
      infos.add(node.info);
    }
    view.see(infos);
    return new Desk(
        kit.spawn(
            GenerationDesk.create(
                view,
                directory,
                sessions,
                settings,
                kit.system().executionContext(),
                node -> CompletableFuture.completedFuture(refused.test(node)),
                new ScheduleMetrics())),
        kit.createTestProbe());
  }

  private static GenerationOrder directed(Directions directions) {
    GenerationOrder plain = order(100, null);
    return new GenerationOrder(
        plain.tenant(),
        plain.promptTokens(),
        plain.sampling(),
        plain.timeout(),
        null,
        List.of(),
        null,
        false,
        directions);
  }

  @Test
  void shouldAskIdleNodesAgainBeforeTheyFallSilent() {
    assertEquals(40, idleWatchTicks("lease = 2 s"));
    assertEquals(16, idleWatchTicks("renew-interval = 100 ms, lease = 500 ms"));
    assertEquals(10, idleWatchTicks("renew-interval = 50 ms, lease = 200 ms"));
  }

  private static int idleWatchTicks(String lines) {
    return GenerationDesk.idleWatchTicks(
        ScheduleSettings.from(
            ConfigFactory.parseString("kvasir.actors.schedule { tick = 100 ms, " + lines + " }")
                .withFallback(ConfigFactory.load())));
  }

  /** Settings with which an answer of the directory is never late. */
  private static ScheduleSettings patient(String holdersAge) {
    return ScheduleSettings.from(
        ConfigFactory.parseString(
                "kvasir.actors.schedule { silence = 1 minute, renew-interval = 10 s, lease = 1"
                    + " minute, lookup-deadline = 10 s, holders-age = "
                    + holdersAge
                    + " }")
            .withFallback(ConfigFactory.load()));
  }

  private static Holdings.Holder holder(Node node, int blocks) {
    BitSet bits = new BitSet();
    bits.set(0, blocks);
    return new Holdings.Holder(
        node.info.nodeId(), node.info.incarnation(), Residence.DEVICE, List.of(bits));
  }

  @Test
  void shouldTellTheNodeWhoElseHoldsThePrompt() {
    Node best = new Node(1, "decode");
    Node other = new Node(2, "decode");
    Holdings holdings = new Holdings(List.of(holder(best, 6), holder(other, 3)), false);
    // With a third one the second attempt looks up too.
    Node busy = new Node(3, "decode");
    Desk desk = desk(patient("10 s"), null, holdings, best, other, busy);
    busy.load(desk.ref(), 50_000);
    desk.order(30, order(100, null));
    GenerationMessage.Start start = best.next(GenerationMessage.Start.class);
    assertEquals(1, start.holders().size());
    WireHolder told = start.holders().getFirst();
    assertEquals(2, told.nodeId());
    assertEquals(201, told.incarnation());
    assertEquals("DEVICE", told.residence());
    assertArrayEquals(new long[] {7}, told.blocks().getFirst());
    start.replyTo().tell(new GenerationReply.Refused(30, 1, "QUEUE_FULL", "Full.", true));
    GenerationMessage.Start second = other.next(GenerationMessage.Start.class);
    assertEquals(2, second.attempt());
    // A node that is full lends what it has.
    assertEquals(1, second.holders().size());
    assertEquals(1, second.holders().getFirst().nodeId());
  }

  @Test
  void shouldTellThatNobodyElseHoldsThePromptButNotWhenItDoesNotKnow() {
    Node one = new Node(1, "decode");
    Node two = new Node(2, "decode");
    Desk knows = desk(patient("10 s"), null, Holdings.NONE, one, two);
    two.load(knows.ref(), 50_000);
    knows.order(31, order(100, null));
    assertEquals(List.of(), one.next(GenerationMessage.Start.class).holders());
    Holdings half = new Holdings(List.of(holder(one, 6), holder(two, 3)), true);
    Desk late = desk(patient("10 s"), null, half, one, two);
    two.load(late.ref(), 50_000);
    late.order(32, order(100, null));
    assertNull(one.next(GenerationMessage.Start.class).holders());
    // With one node there is nothing to choose, so nobody is asked.
    Desk alone = desk(patient("10 s"), null, Holdings.NONE, one);
    alone.order(33, order(100, null));
    assertNull(one.next(GenerationMessage.Start.class).holders());
  }

  @Test
  void shouldNotTellWhatItFoundTooLongAgo() {
    Node one = new Node(1, "decode");
    Node two = new Node(2, "decode");
    long ageNs = Duration.ofMillis(1).toNanos();
    Directory slow =
        (keys, deadline) -> {
          long askedNs = System.nanoTime();
          return CompletableFuture.supplyAsync(
              () -> {
                while (System.nanoTime() - askedNs <= ageNs) {
                  Thread.onSpinWait();
                }
                return Holdings.NONE;
              });
        };
    Desk desk = desk(patient("1 ms"), null, slow, one, two);
    two.load(desk.ref(), 50_000);
    desk.order(34, order(100, null));
    assertNull(one.next(GenerationMessage.Start.class).holders());
  }

  @Test
  void shouldBelieveNoReportOfAnotherLifeOfANode() {
    Node idle = new Node(1, "decode");
    Node other = new Node(2, "decode");
    Desk desk = desk(null, Holdings.NONE, idle, other);
    other.load(desk.ref(), 50_000);
    idle.load(desk.ref(), idle.info.incarnation() + 1, 100_000);
    desk.order(21, order(100, null));
    assertEquals(21, idle.next(GenerationMessage.Start.class).requestId());
  }

  @Test
  void shouldAskTheNamedNodeFirstAndGoElsewhereWhenItRefuses() {
    Node idle = new Node(1, "decode");
    Node named = new Node(2, "decode");
    Desk desk = desk(null, Holdings.NONE, idle, named);
    named.load(desk.ref(), 100_000);
    desk.order(20, directed(new Directions("n2", Set.of(Residence.HOST))));
    GenerationMessage.Start start = named.next(GenerationMessage.Start.class);
    assertEquals(20, start.requestId());
    assertEquals(List.of("HOST"), start.sources());
    start.replyTo().tell(new GenerationReply.Refused(20, 1, "QUEUE_FULL", "Full.", true));
    GenerationMessage.Start second = idle.next(GenerationMessage.Start.class);
    assertEquals(2, second.attempt());
    assertEquals(List.of("HOST"), second.sources());
  }

  @Test
  void shouldRefuseANamedNodeThatIsNotThere() {
    Node idle = new Node(1, "decode");
    Desk desk = desk(null, Holdings.NONE, idle);
    desk.order(21, directed(new Directions("n7", Directions.NONE.sources())));
    GenerationDesk.Declined declined =
        desk.replies().expectMessageClass(GenerationDesk.Declined.class, LONG);
    assertEquals(OrderRefusedException.Code.NO_NODE, declined.code());
    assertTrue(declined.sentence().contains("n7"), declined.sentence());
  }

  @Test
  void shouldLetAPrefillNodeComputeALongColdPromptFirstWhenTheDecodeNodeIsBusy() {
    Node decode = new Node(1, "decode");
    Node prefill = new Node(2, "prefill");
    Desk desk = desk(null, Holdings.NONE, decode, prefill);
    decode.load(desk.ref(), 4000);
    prefill.load(desk.ref(), 0);
    desk.order(5, order(3000, null));
    GenerationMessage.Start warm = prefill.next(GenerationMessage.Start.class);
    assertEquals(1, warm.sampling().maxTokens());
    assertEquals(3000, warm.prompt().length);
    prefill.finish(warm, 0);
    GenerationMessage.Start start = decode.next(GenerationMessage.Start.class);
    assertEquals(5, start.requestId());
    assertEquals(8, start.sampling().maxTokens());
    start.replyTo().tell(new GenerationReply.Accepted(5, 1));
    desk.replies().expectMessageClass(GenerationDesk.TakenGeneration.class, LONG);
  }

  @Test
  void shouldGoToTheDecodeNodeAtOnceWhereThatIsIdleOrThePromptShort() {
    Node decode = new Node(1, "decode");
    Node prefill = new Node(2, "prefill");
    Desk desk = desk(null, Holdings.NONE, decode, prefill);
    desk.order(6, order(3000, null));
    assertEquals(6, decode.next(GenerationMessage.Start.class).requestId());
    decode.load(desk.ref(), 4000);
    desk.order(7, order(100, null));
    assertEquals(7, decode.next(GenerationMessage.Start.class).requestId());
  }

  @Test
  void shouldPlaceTheRequestAllTheSameWhenThePrefillNodeRefuses() {
    Node decode = new Node(1, "decode");
    Node prefill = new Node(2, "prefill");
    Desk desk = desk(null, Holdings.NONE, decode, prefill);
    decode.load(desk.ref(), 4000);
    prefill.load(desk.ref(), 0);
    desk.order(8, order(3000, null));
    GenerationMessage.Start warm = prefill.next(GenerationMessage.Start.class);
    warm.replyTo()
        .tell(
            new GenerationReply.Refused(
                warm.requestId(), warm.attempt(), "QUEUE_FULL", "Full.", true));
    assertEquals(8, decode.next(GenerationMessage.Start.class).requestId());
  }

  @Test
  void shouldAskAgainForWhatWasLostAndDropWhatCameTwice() {
    Node node = new Node(1, "decode");
    Desk desk = desk(null, Holdings.NONE, node);
    desk.order(9, order(10, null));
    GenerationMessage.Start start = node.next(GenerationMessage.Start.class);
    ActorRef<GenerationReply> gateway = start.replyTo();
    gateway.tell(new GenerationReply.Accepted(9, 1));
    RoutedGeneration generation =
        desk.replies().expectMessageClass(GenerationDesk.TakenGeneration.class, LONG).generation();
    gateway.tell(new GenerationReply.Tokens(9, 1, 0, 0, new int[] {1, 2}, null, 0));
    gateway.tell(new GenerationReply.Tokens(9, 1, 0, 4, new int[] {5, 6}, null, 0));
    GenerationMessage.Resend resend = node.next(GenerationMessage.Resend.class);
    assertEquals(new GenerationMessage.Resend(9, 1, 0, 2), resend);
    gateway.tell(new GenerationReply.Tokens(9, 1, 0, 1, new int[] {2, 3, 4, 5, 6}, null, 0));
    gateway.tell(new GenerationReply.Tokens(9, 1, 0, 0, new int[] {1, 2}, null, 0));
    node.finish(start, 5);
    // The node may forget it.
    assertEquals(new GenerationMessage.Cancel(9, 1), node.next(GenerationMessage.Cancel.class));
    assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6}, generation.streams().getFirst().snapshot());
  }

  @Test
  void shouldTryTheNextNodeWhenOneIsFullAndSayFullWhenAllAre() {
    Node first = new Node(1, "decode");
    Node second = new Node(2, "decode");
    Desk desk = desk(null, Holdings.NONE, first, second);
    first.load(desk.ref(), 0);
    second.load(desk.ref(), 5000);
    desk.order(10, order(10, null));
    for (Node node : List.of(first, second)) {
      GenerationMessage.Start start = node.next(GenerationMessage.Start.class);
      start
          .replyTo()
          .tell(new GenerationReply.Refused(10, start.attempt(), "QUEUE_FULL", "Full.", true));
    }
    GenerationDesk.Declined declined =
        desk.replies().expectMessageClass(GenerationDesk.Declined.class, LONG);
    assertEquals("Full.", declined.sentence());
  }

  @Test
  void shouldLeaveANodeThatSaysNothingAtAllBeforeItsLeaseEnds() {
    // Silence alone would end the attempt after a minute.
    ScheduleSettings quick =
        ScheduleSettings.from(
            ConfigFactory.parseString(
                    "kvasir.actors.schedule { silence = 1 minute, renew-interval = 100 ms, tick ="
                        + " 20 ms, lease = 1 minute, lookup-deadline = 10 s, holders-age ="
                        + " 10 s }")
                .withFallback(ConfigFactory.load()));
    Node first = new Node(1, "decode");
    Node second = new Node(2, "decode");
    Holdings holdings = new Holdings(List.of(holder(first, 6)), false);
    Desk desk = desk(quick, null, holdings, first, second);
    second.load(desk.ref(), 50_000);
    desk.order(12, order(100, null));
    GenerationMessage.Start start = first.next(GenerationMessage.Start.class);
    start.replyTo().tell(new GenerationReply.Accepted(12, 1));
    start.replyTo().tell(new GenerationReply.Tokens(12, 1, 0, 0, new int[] {1, 2}, null, 0));
    GenerationMessage.Start again = second.next(GenerationMessage.Start.class);
    assertEquals(2, again.attempt());
    // Nor is it asked for blocks, though the directory goes on naming it.
    assertEquals(List.of(), again.holders());
    again.replyTo().tell(new GenerationReply.Accepted(12, 2));
    second.finish(again, 2);
    // Nobody new is sent there either, idle as it looks, until it is heard.
    desk.order(13, order(10, null));
    GenerationMessage message = second.probe.receiveMessage(LONG);
    while (!(message instanceof GenerationMessage.Start)) {
      message = second.probe.receiveMessage(LONG);
    }
    assertEquals(13, ((GenerationMessage.Start) message).requestId());
  }

  @Test
  void shouldLeaveANodeAtOnceWhoseHostRefusesConnections() {
    // Silence ends a first attempt after two words, a later one after a minute only.
    ScheduleSettings quick =
        ScheduleSettings.from(
            ConfigFactory.parseString(
                    "kvasir.actors.schedule { silence = 1 minute, renew-interval = 100 ms, tick ="
                        + " 20 ms, lease = 1 minute }")
                .withFallback(ConfigFactory.load()));
    Node silent = new Node(1, "decode");
    Node killed = new Node(2, "decode");
    Node last = new Node(3, "decode");
    Directory nobody = (keys, deadline) -> CompletableFuture.completedFuture(Holdings.NONE);
    Desk desk = desk(quick, null, nobody, node -> node.nodeId() == 2, silent, killed, last);
    killed.load(desk.ref(), 5000);
    last.load(desk.ref(), 50_000);
    desk.order(14, order(10, null));
    silent.next(GenerationMessage.Start.class);
    GenerationMessage.Start second = killed.next(GenerationMessage.Start.class);
    assertEquals(2, second.attempt());
    second.replyTo().tell(new GenerationReply.Accepted(14, 2));
    assertEquals(3, last.next(GenerationMessage.Start.class).attempt());
  }

  @Test
  void shouldFollowTheSessionWhenTheDirectoryIsLateAndTellItWhereItWas() throws Exception {
    BlockingQueue<Sessions.Use> recorded = new LinkedBlockingQueue<>();
    Sessions sessions =
        new Sessions() {
          @Override
          public CompletionStage<Optional<Hint>> hint(
              String tenant, String sessionId, Duration deadline) {
            Use last = new Use(2, 201, 0, 0, 10, 150, 10, null);
            return CompletableFuture.completedFuture(Optional.of(new Hint(last, 3, Duration.ZERO)));
          }

          @Override
          public void record(String tenant, String sessionId, Use use) {
            recorded.add(use);
          }
        };
    Node other = new Node(1, "decode");
    Node last = new Node(2, "decode");
    Desk desk = desk(sessions, Holdings.LATE, other, last);
    desk.order(11, order(170, "s"));
    GenerationMessage.Start start = last.next(GenerationMessage.Start.class);
    assertEquals(10, start.computeTokens());
    start.replyTo().tell(new GenerationReply.Accepted(11, 1));
    last.finish(start, 0);
    Sessions.Use use = recorded.poll(20, TimeUnit.SECONDS);
    assertEquals(2, use.nodeId());
    assertEquals(10, use.blockCount());
    assertEquals(170, use.promptTokens());
  }
}
