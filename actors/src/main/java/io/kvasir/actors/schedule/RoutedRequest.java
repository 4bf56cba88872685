package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.schedule.GenerationReply.Finished;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;

/** A request under way: its {@link Failover}, and what that does to nodes. The desk's thread. */
final class RoutedRequest implements Failover.Port {
  /** What a request needs of its desk. */
  interface Desk {
    /** Finds a node, now or later, and tells {@link #placed} or {@link #nowhere}. */
    void place(RoutedRequest request, Set<Long> avoided);

    ActorRef<GenerationReply> replies();

    LoadBook book();

    Slices slices();

    int leaseMs();

    void forget(RoutedRequest request);

    /** A node has answered it with these tokens, of the first choice. */
    void used(RoutedRequest request, NodeInfo node, int[] generated);
  }

  final long requestId;
  final ModelInfo model;
  final long deadlineNs;
  private final Desk desk;
  private final GenerationOrder order;
  private final EmbeddingOrder embeds;
  private final RoutedGeneration generation;
  private final RoutedEmbedding embedding;
  private final Progress progress;
  private final ActorRef<GenerationDesk.OrderReply> replyTo;
  private final Failover failover;
  private NodeInfo node;
  private List<NodeScore.Scored> ranking = List.of();
  private List<WireHolder> holders;
  private int computeTokens;
  private int replayedTokens;
  private int attempts;
  private Set<Long> avoided = Set.of();
  private RoutedRequest prefill;
  private Runnable after;
  long acceptedNs;
  int placing;

  /** Keys of the prompt's blocks; null until they were looked up. */
  BlockKeys keys;

  private RoutedRequest(
      long requestId,
      ModelInfo model,
      Desk desk,
      long deadlineNs,
      GenerationOrder order,
      EmbeddingOrder embeds,
      RoutedGeneration generation,
      RoutedEmbedding embedding,
      Progress progress,
      Failover.Limits limits,
      ActorRef<GenerationDesk.OrderReply> replyTo) {
    this.requestId = requestId;
    this.model = model;
    this.desk = desk;
    this.deadlineNs = deadlineNs;
    this.order = order;
    this.embeds = embeds;
    this.generation = generation;
    this.embedding = embedding;
    this.progress = progress;
    this.replyTo = replyTo;
    this.failover = new Failover(progress, limits, this);
  }

  /** A generation; {@code order} has a seed. */
  static RoutedRequest generating(
      RoutedGeneration generation,
      long requestId,
      ModelInfo model,
      Desk desk,
      GenerationOrder order,
      Failover.Limits limits,
      long nowNs,
      ActorRef<GenerationDesk.OrderReply> replyTo) {
    Transcript transcript =
        new Transcript(generation.streams(), order.promptTokens().length, nowNs);
    RoutedRequest request =
        new RoutedRequest(
            requestId,
            model,
            desk,
            nowNs + order.timeout().toNanos(),
            order,
            null,
            generation,
            null,
            transcript,
            limits,
            replyTo);
    transcript.beforeLastEnd(() -> generation.served(request.serving(transcript.lastEnd())));
    return request;
  }

  /**
   * The prompt of another request on a prefill node; nobody reads what comes of it.
   *
   * @param after runs when it is over, well or not
   */
  static RoutedRequest prefilling(
      RoutedGeneration unread,
      long requestId,
      ModelInfo model,
      Desk desk,
      GenerationOrder order,
      Failover.Limits limits,
      long nowNs,
      RoutedRequest of,
      Runnable after) {
    RoutedRequest request =
        new RoutedRequest(
            requestId,
            model,
            desk,
            of.deadlineNs,
            order,
            null,
            unread,
            null,
            new Transcript(unread.streams(), order.promptTokens().length, nowNs),
            limits,
            null);
    request.after = after;
    of.prefill = request;
    return request;
  }

  /** An embedding. */
  static RoutedRequest embedding(
      RoutedEmbedding embedding,
      long requestId,
      ModelInfo model,
      Desk desk,
      EmbeddingOrder order,
      Failover.Limits limits,
      long nowNs,
      ActorRef<GenerationDesk.OrderReply> replyTo) {
    return new RoutedRequest(
        requestId,
        model,
        desk,
        nowNs + order.timeout().toNanos(),
        null,
        order,
        null,
        embedding,
        embedding,
        limits,
        replyTo);
  }

  Failover failover() {
    return failover;
  }

  int[] prompt() {
    return order == null ? embeds.tokens() : order.promptTokens();
  }

  String tenant() {
    return order == null ? embeds.tenant() : order.tenant();
  }

  String session() {
    return order == null ? null : order.session();
  }

  boolean explained() {
    return order != null && order.explained();
  }

  /** The node that the first attempt is to be made on, by name; null = the best. */
  String namedNode() {
    return order == null || prefills() || attempts > 0 ? null : order.directions().node();
  }

  /** What its blocks may be loaded from. */
  Set<Residence> sources() {
    return order == null ? Directions.NONE.sources() : order.directions().sources();
  }

  /** Whether somebody reads what was accepted. */
  boolean isTaken() {
    return generation == null || prefills() || generation.isTaken();
  }

  /** Whether this is only another request's prompt. */
  boolean prefills() {
    return after != null;
  }

  /** Whether a prefill node may compute its prompt first: once, before anything was accepted. */
  boolean mayBePrefilled() {
    return generation != null
        && !prefills()
        && prefill == null
        && acceptedNs == 0
        && namedNode() == null;
  }

  /** The order that makes a node compute the prompt and little else. */
  GenerationOrder prefillOrder() {
    return new GenerationOrder(
        order.tenant(),
        order.promptTokens(),
        SamplingParameters.greedy(1, List.of()).toBuilder().seed(0L).build(),
        order.timeout());
  }

  /** Nodes that failed this request; only if no other is left is one of them asked again. */
  Set<Long> avoided() {
    return avoided;
  }

  /**
   * The desk found a node.
   *
   * @param told who else holds the prompt's blocks; null = the node is to ask itself
   */
  void placed(NodeInfo found, List<NodeScore.Scored> ranked, List<WireHolder> told, long nowNs) {
    node = found;
    ranking = ranked;
    holders = told;
    computeTokens = ranked.getFirst().computeTokens();
    failover.placed(found.nodeId(), nowNs);
  }

  void nowhere(String sentence, long nowNs) {
    failover.nowhere(sentence, nowNs);
  }

  @Override
  public void place(Set<Long> nodesAvoided) {
    avoided = nodesAvoided;
    desk.book().forget(requestId);
    desk.place(this, nodesAvoided);
  }

  @Override
  public void start(int attempt, long nodeId) {
    // What an embedding computes is not cached.
    desk.book().sent(requestId, nodeId, model.id(), computeTokens, order == null ? null : keys);
    attempts = attempt;
    long leftMs = Math.max(1, (deadlineNs - System.nanoTime()) / 1_000_000);
    if (order == null) {
      desk.slices()
          .tell(
              node.generations(),
              new GenerationMessage.Embed(
                  requestId,
                  attempt,
                  desk.replies(),
                  model.id(),
                  model.fingerprint(),
                  embeds.tenant(),
                  embeds.tokens(),
                  embeds.pooling().name(),
                  leftMs,
                  desk.leaseMs()));
      return;
    }
    boolean again = acceptedNs != 0;
    replayedTokens += again ? prompt().length + progress.resumedTokens() : 0;
    desk.slices()
        .tell(
            node.generations(),
            new GenerationMessage.Start(
                requestId,
                attempt,
                desk.replies(),
                model.id(),
                model.fingerprint(),
                order.tenant(),
                order.session(),
                order.promptTokens(),
                WireSampling.of(order.sampling()),
                WireGrammar.of(order.grammar()),
                again ? progress.resume() : List.of(),
                computeTokens,
                leftMs,
                desk.leaseMs(),
                order.explained(),
                WireOrders.sources(order.directions()),
                holders));
  }

  @Override
  public void renew(int attempt, long nodeId) {
    node.generations()
        .tell(new GenerationMessage.Renew(requestId, attempt, desk.replies(), desk.leaseMs()));
  }

  @Override
  public void resend(int attempt, long nodeId, int choice, int first) {
    node.generations().tell(new GenerationMessage.Resend(requestId, attempt, choice, first));
  }

  @Override
  public void cancel(int attempt, long nodeId) {
    node.generations().tell(new GenerationMessage.Cancel(requestId, attempt));
  }

  @Override
  public void cancelChoice(int attempt, long nodeId, int choice) {
    node.generations().tell(new GenerationMessage.CancelChoice(requestId, attempt, choice));
  }

  @Override
  public void accepted() {
    desk.book().accepted(requestId);
    if (acceptedNs != 0) {
      return;
    }
    acceptedNs = System.nanoTime();
    if (replyTo != null) {
      replyTo.tell(
          generation != null
              ? new GenerationDesk.TakenGeneration(generation)
              : new GenerationDesk.TakenEmbedding(embedding));
    }
  }

  @Override
  public void refused(Code code, String sentence) {
    if (replyTo != null) {
      replyTo.tell(new GenerationDesk.Declined(code, sentence));
    }
  }

  @Override
  public void over() {
    desk.book().forget(requestId);
    desk.forget(this);
    if (prefill != null) {
      prefill.failover.cancel(System.nanoTime());
    }
    if (!prefills() && acceptedNs != 0 && node != null && progress.complete() && order != null) {
      desk.used(this, node, generation.streams().getFirst().snapshot());
    }
    if (after != null) {
      after.run();
    }
  }

  private Serving serving(Finished end) {
    List<Serving.Route> routes = new ArrayList<>();
    if (explained()) {
      for (NodeScore.Scored scored : ranking) {
        routes.add(scored.route(routes.isEmpty()));
      }
    }
    return new Serving(
        node == null ? "" : node.name(),
        attempts,
        replayedTokens,
        end == null ? Map.of() : end.misses(),
        end == null ? List.of() : end.explained(),
        routes);
  }
}
