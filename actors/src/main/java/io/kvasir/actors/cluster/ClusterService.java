package io.kvasir.actors.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * This node's place in the cluster: its identity, what it tells the others of itself, and its view
 * of them. On an actor system without a cluster the view holds this node alone. Any thread.
 */
public final class ClusterService {
  private final ActorSystem<?> system;
  private final NodeIdentity identity;
  private final SharedView view;
  private final ActorRef<NodeActor.Command> actor;

  private ClusterService(
      ActorSystem<?> system,
      NodeIdentity identity,
      SharedView view,
      ActorRef<NodeActor.Command> actor) {
    this.system = system;
    this.identity = identity;
    this.view = view;
    this.actor = actor;
  }

  /** Begins to introduce this node, at first without services; once an actor system. */
  public static ClusterService start(ActorSystem<?> system, ClusterSettings settings) {
    NodeIdentity identity = NodeIdentity.of(system, settings);
    SharedView view = new SharedView(identity.bare());
    ActorRef<NodeActor.Command> actor =
        system.systemActorOf(
            NodeActor.create(identity, settings, view), "kvasir-node", Props.empty());
    view.actor(actor);
    return new ClusterService(system, identity, view, actor);
  }

  /** Whether the actor system can be a member of a cluster. */
  public static boolean isClustered(ActorSystem<?> system) {
    String provider = system.settings().config().getString("pekko.actor.provider");
    return provider.equals("cluster") || provider.endsWith(".ClusterActorRefProvider");
  }

  /** Who this process is. */
  public NodeIdentity identity() {
    return identity;
  }

  /** The reachable nodes. */
  public ClusterView view() {
    return view;
  }

  /**
   * Tells every node what this one is from now on.
   *
   * @param node of this identity: id, incarnation and address are {@link #identity()}'s
   */
  public void introduce(NodeInfo node) {
    if (node.nodeId() != identity.nodeId()
        || node.incarnation() != identity.incarnation()
        || !node.address().equals(identity.address())) {
      throw new IllegalArgumentException(
          "node %s is not this one, introduce a node made from identity()".formatted(node.name()));
    }
    actor.tell(new NodeActor.Update(node));
  }

  /**
   * Where the answer to {@link #holdings(Duration)} comes from on this node.
   *
   * @param source called on an actor's thread; must not block
   */
  public void holdings(Supplier<List<NodeMessage.Holdings.Tier>> source) {
    view.holdings(source);
  }

  /** What the tiers of every reachable node hold, by node id; without those that are late. */
  public CompletionStage<Map<Long, List<NodeMessage.Holdings.Tier>>> holdings(Duration limit) {
    Map<Long, List<NodeMessage.Holdings.Tier>> told = new ConcurrentHashMap<>();
    List<CompletableFuture<?>> asked = new ArrayList<>();
    for (NodeInfo node : view.reachable()) {
      ActorRef<NodeMessage> peer = view.actorOf(node.nodeId());
      if (peer != null) {
        CompletionStage<NodeMessage> reply =
            AskPattern.ask(peer, NodeMessage.AskHoldings::new, limit, system.scheduler());
        asked.add(
            reply
                .handle(
                    (answer, late) ->
                        answer instanceof NodeMessage.Holdings holdings
                            ? told.put(node.nodeId(), holdings.tiers())
                            : null)
                .toCompletableFuture());
      }
    }
    return CompletableFuture.allOf(asked.toArray(CompletableFuture<?>[]::new))
        .thenApply(all -> Map.copyOf(told));
  }

  /** Leaves the cluster in an orderly way; completes when the others have let it go. */
  public CompletionStage<Done> leave() {
    CompletableFuture<Done> left = new CompletableFuture<>();
    if (isClustered(system)) {
      org.apache.pekko.cluster.Cluster cluster =
          org.apache.pekko.cluster.Cluster.get(Adapter.toClassic(system));
      cluster.registerOnMemberRemoved(() -> left.complete(Done.getInstance()));
      cluster.leave(cluster.selfAddress());
    } else {
      left.complete(Done.getInstance());
    }
    return left.minimalCompletionStage();
  }
}
