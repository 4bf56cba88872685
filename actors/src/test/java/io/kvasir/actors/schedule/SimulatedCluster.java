package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.gpu.StreamedGeneration;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.ResumedChoice;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenStream;
import io.kvasir.runtime.engine.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/**
 * One request on simulated nodes over a simulated network, in virtual time: the real {@link
 * Failover}, {@link Transcript} and {@link AttemptTable}, one thread, one seed. Messages are lost,
 * doubled, delayed and overtaken; nodes crash, stand still, come back empty.
 */
final class SimulatedCluster {
  static final long MS = 1_000_000L;
  private static final int TICK_MS = 100;
  private static final int LEASE_MS = 2000;
  private static final Failover.Limits LIMITS = new Failover.Limits(20, 3, 50, 600);

  private record Event(long atMs, long order, Runnable action) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return atMs != other.atMs ? Long.compare(atMs, other.atMs) : Long.compare(order, other.order);
    }
  }

  /** What the answer to the request is, wherever it is computed. */
  static int token(int choice, int index) {
    return (choice * 7919 + index * 31 + 5) & 0xFFFF;
  }

  /** A device's answer in the making. */
  private static final class Computed extends StreamedGeneration {
    final GenerationOrder order;
    boolean over;

    Computed(GenerationOrder order) {
      super(order, 70_000, "f");
      this.order = order;
    }

    @Override
    public Serving serving() {
      return Serving.HERE;
    }

    @Override
    public void cancel() {
      for (int choice = 0; choice < choiceCount(); choice++) {
        cancel(choice);
      }
      over = true;
    }

    @Override
    public void cancel(int choice) {
      end(choice, FinishReason.CANCELLED);
    }

    void end(int choice, FinishReason reason) {
      TokenStream stream = streams().get(choice);
      if (stream.finishReason() == null) {
        stream.measured(1.5, 1);
        stream.finish(reason, usage(order, stream.published()), null);
      }
    }
  }

  static Usage usage(GenerationOrder order, int generated) {
    int prompt = order.promptTokens().length;
    return new Usage(prompt, PromptSources.cached(prompt, 0), generated, 0, 0, 0, 0, 1, 2);
  }

  /** A node: its attempts, and whether it is dead or stands still. */
  private final class Node {
    final long id;
    AttemptTable attempts = new AttemptTable(100, 300 * MS, 60_000 * MS);
    List<Computed> device = new ArrayList<>();
    boolean up = true;
    boolean draining;
    long pausedUntilMs;

    Node(long id) {
      this.id = id;
    }

    void receive(GenerationMessage message) {
      if (!up) {
        return;
      }
      if (nowMs < pausedUntilMs) {
        // Its socket keeps what comes.
        at(pausedUntilMs, () -> receive(message));
        return;
      }
      long nowNs = nowMs * MS;
      switch (message) {
        case GenerationMessage.Start start -> start(start, nowNs);
        case GenerationMessage.Renew renew ->
            attempts.renew(renew, reply -> toGateway(id, reply), nowNs);
        case GenerationMessage.Resend resend -> attempts.resend(resend, nowNs);
        case GenerationMessage.Cancel cancel -> attempts.cancel(cancel);
        case GenerationMessage.CancelChoice cancel -> attempts.cancelChoice(cancel);
        default -> throw new AssertionError("not sent here: " + message);
      }
    }

    private void start(GenerationMessage.Start start, long nowNs) {
      NodeAttempt attempt =
          new NodeAttempt(
              start.requestId(),
              start.attempt(),
              reply -> toGateway(id, reply),
              "m",
              1,
              nowNs + start.leaseMs() * MS,
              nowNs);
      if (draining) {
        attempt.refuse(Code.DRAINING, "draining", true);
        return;
      }
      if (!attempts.begin(attempt)) {
        return;
      }
      List<ResumedChoice> resume = start.resume().stream().map(WireResume::resumed).toList();
      GenerationOrder order =
          new GenerationOrder(
              "t",
              start.prompt(),
              start.sampling().parameters(),
              Duration.ofSeconds(60),
              null,
              resume,
              null,
              false,
              Directions.NONE);
      Computed computed = new Computed(order);
      at(
          nowMs + random.nextInt(400),
          () -> {
            NodeAttempt taken =
                attempts.taken(start.requestId(), start.attempt(), computed, nowMs * MS);
            if (taken != null) {
              computed.attach(() -> {});
              device.add(computed);
              taken.accept();
              step(computed, start.requestId(), start.attempt());
            }
          });
    }

    private void step(Computed computed, long requestId, int number) {
      if (!up || computed.over) {
        return;
      }
      if (nowMs < pausedUntilMs) {
        at(pausedUntilMs, () -> step(computed, requestId, number));
        return;
      }
      boolean running = false;
      for (int choice = 0; choice < computed.choiceCount(); choice++) {
        TokenStream stream = computed.streams().get(choice);
        if (stream.finishReason() != null) {
          continue;
        }
        FinishReason before =
            computed.order.resume().isEmpty() ? null : computed.order.resume().get(choice).ended();
        if (before != null) {
          computed.end(choice, before);
        } else if (stream.published() == lengths[choice]) {
          computed.end(choice, FinishReason.STOP);
        } else {
          stream.publish(token(choice, stream.published()));
          running = true;
        }
      }
      attempts.news(requestId, number, nowMs * MS);
      if (running) {
        at(nowMs + 5 + random.nextInt(60), () -> step(computed, requestId, number));
      } else {
        computed.over = true;
      }
    }

    void tick() {
      if (up && nowMs >= pausedUntilMs) {
        attempts.tick(nowMs * MS);
      }
      at(nowMs + TICK_MS, this::tick);
    }

    void crash() {
      device.forEach(computed -> computed.over = true);
      device.clear();
      attempts = new AttemptTable(100, 300 * MS, 60_000 * MS);
      up = false;
    }

    boolean idle() {
      return attempts.isEmpty()
          && device.stream().allMatch(computed -> computed.over || ended(computed));
    }

    private boolean ended(Computed computed) {
      return computed.streams().stream().allMatch(stream -> stream.finishReason() != null);
    }
  }

  private final Random random;
  private final double lossShare;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final List<Node> nodes = new ArrayList<>();
  private final int[] lengths;
  private final List<Integer> attemptOfToken = new ArrayList<>();
  private final Transcript transcript;
  private final Failover failover;
  private final GenerationOrder order;
  private final List<TokenStream> streams;
  private long nowMs;
  private long sequence;
  private boolean healed;
  private boolean gatewayPaused;
  private int lost;
  private int repeated;
  private String refusal;
  private long fencedNode = -1;
  private long fencedFromMs;
  private int saidAfterPause;

  SimulatedCluster(long seed, int nodeCount, int[] lengths, double lossShare) {
    this.random = new Random(seed);
    this.lossShare = lossShare;
    this.lengths = lengths;
    SamplingParameters sampling =
        SamplingParameters.builder().n(lengths.length).maxTokens(200).seed(1L).build();
    this.order = new GenerationOrder("t", new int[] {1, 2, 3}, sampling, Duration.ofSeconds(60));
    this.streams = new Computed(order).streams();
    this.transcript = new Transcript(streams, 3, 0);
    for (int i = 0; i < nodeCount; i++) {
      Node node = new Node(i + 1);
      nodes.add(node);
      at(random.nextInt(TICK_MS), node::tick);
    }
    this.failover = new Failover(transcript, LIMITS, new Port());
    at(0, failover::begin);
    at(TICK_MS, this::tick);
  }

  private void tick() {
    if (!gatewayPaused) {
      failover.onTick(nowMs * MS);
    }
    at(nowMs + TICK_MS, this::tick);
  }

  private void at(long timeMs, Runnable action) {
    events.add(new Event(timeMs, sequence++, action));
  }

  /** At a time of the simulation. */
  void when(long timeMs, Runnable action) {
    at(timeMs, action);
  }

  private void deliver(Runnable action) {
    if (!healed && random.nextDouble() < lossShare) {
      lost++;
      return;
    }
    at(nowMs + 1 + delay(), action);
    if (!healed && random.nextDouble() < lossShare) {
      repeated++;
      at(nowMs + 1 + delay(), action);
    }
  }

  private int delay() {
    return healed ? 0 : random.nextInt(random.nextInt(20) == 0 ? 1500 : 30);
  }

  private void toGateway(long nodeId, GenerationReply reply) {
    boolean progress =
        reply instanceof GenerationReply.Tokens || reply instanceof GenerationReply.Alive;
    if (nodeId == fencedNode && nowMs >= fencedFromMs && progress) {
      saidAfterPause++;
    }
    deliver(() -> receive((GenerationReply.OfAttempt) reply));
  }

  private void receive(GenerationReply.OfAttempt reply) {
    if (gatewayPaused) {
      at(nowMs + 50, () -> receive(reply));
      return;
    }
    int before = published();
    failover.onReply(reply, nowMs * MS);
    for (int i = before; i < published(); i++) {
      attemptOfToken.add(reply.attempt());
    }
  }

  private int published() {
    return streams.stream().mapToInt(TokenStream::published).sum();
  }

  private final class Port implements Failover.Port {
    @Override
    public void place(Set<Long> avoided) {
      at(
          nowMs + random.nextInt(20),
          () -> {
            List<Node> able = nodes.stream().filter(n -> n.up && !n.draining).toList();
            List<Node> fresh = able.stream().filter(n -> !avoided.contains(n.id)).toList();
            List<Node> from = fresh.isEmpty() ? able : fresh;
            if (from.isEmpty()) {
              failover.nowhere("no node", nowMs * MS);
            } else {
              failover.placed(from.get(random.nextInt(from.size())).id, nowMs * MS);
            }
          });
    }

    @Override
    public void start(int attempt, long nodeId) {
      List<WireResume> resume = attempt == 1 ? List.of() : transcript.resume();
      send(
          nodeId,
          new GenerationMessage.Start(
              9,
              attempt,
              null,
              "m",
              "f",
              "t",
              null,
              order.promptTokens(),
              WireSampling.of(order.sampling()),
              null,
              resume,
              3,
              60_000,
              LEASE_MS,
              false,
              null,
              null));
    }

    @Override
    public void renew(int attempt, long nodeId) {
      send(nodeId, new GenerationMessage.Renew(9, attempt, null, LEASE_MS));
    }

    @Override
    public void resend(int attempt, long nodeId, int choice, int first) {
      send(nodeId, new GenerationMessage.Resend(9, attempt, choice, first));
    }

    @Override
    public void cancel(int attempt, long nodeId) {
      send(nodeId, new GenerationMessage.Cancel(9, attempt));
    }

    @Override
    public void cancelChoice(int attempt, long nodeId, int choice) {
      send(nodeId, new GenerationMessage.CancelChoice(9, attempt, choice));
    }

    private void send(long nodeId, GenerationMessage message) {
      deliver(() -> nodes.get((int) nodeId - 1).receive(message));
    }

    @Override
    public void accepted() {}

    @Override
    public void refused(Code code, String sentence) {
      refusal = sentence;
    }

    @Override
    public void over() {}
  }

  void crash(int node) {
    nodes.get(node).crash();
    if (random.nextBoolean()) {
      // The cluster notices too, some day.
      at(nowMs + random.nextInt(5000), () -> failover.onNodeLost(node + 1, nowMs * MS));
    }
  }

  void restart(int node) {
    nodes.get(node).up = true;
  }

  void pause(int node, long forMs) {
    nodes.get(node).pausedUntilMs = nowMs + forMs;
  }

  /** The node that computes now stands still; what it says when it goes on is counted. */
  void pauseBusy(long forMs) {
    for (Node node : nodes) {
      if (!node.attempts.isEmpty()) {
        node.pausedUntilMs = nowMs + forMs;
        fencedNode = node.id;
        fencedFromMs = nowMs + forMs;
      }
    }
  }

  int saidAfterPause() {
    return saidAfterPause;
  }

  void drain(int node) {
    Node leaving = nodes.get(node);
    leaving.draining = true;
    leaving.attempts.handBack();
  }

  void returnTo(int node) {
    nodes.get(node).draining = false;
  }

  void pauseGateway(long forMs) {
    gatewayPaused = true;
    at(nowMs + forMs, () -> gatewayPaused = false);
  }

  void cancelByClient() {
    failover.cancel(nowMs * MS);
  }

  /** Nothing is lost from now on. */
  void heal() {
    healed = true;
    for (Node node : nodes) {
      node.up = true;
      node.draining = false;
      node.pausedUntilMs = 0;
    }
    gatewayPaused = false;
  }

  void runUntil(long timeMs) {
    while (!events.isEmpty() && events.peek().atMs <= timeMs) {
      Event next = events.poll();
      nowMs = next.atMs;
      next.action.run();
    }
    nowMs = timeMs;
  }

  boolean over() {
    return failover.isOver();
  }

  String refusal() {
    return refusal;
  }

  int attempts() {
    return failover.attempts();
  }

  int lost() {
    return lost;
  }

  int repeated() {
    return repeated;
  }

  List<TokenStream> streams() {
    return streams;
  }

  /** The attempt that each token came from, in the order in which the client saw them. */
  List<Integer> attemptOfToken() {
    return attemptOfToken;
  }

  boolean nodesIdle() {
    return nodes.stream().allMatch(Node::idle);
  }
}
