package io.kvasir.actors.cluster;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;

/** The view as every thread reads it; written by the node actor. */
final class SharedView implements ClusterView {
  /** Beyond it, those who are not reachable are forgotten. */
  private static final int MAX_ACTORS = 4096;

  private volatile NodeInfo self;
  private volatile List<NodeInfo> nodes;
  private volatile ActorRef<NodeActor.Command> actor;
  private volatile Supplier<List<NodeMessage.Holdings.Tier>> holdings = List::of;
  private final Map<Long, ActorRef<NodeMessage>> actors = new ConcurrentHashMap<>();

  SharedView(NodeInfo self) {
    this.self = self;
    this.nodes = List.of(self);
  }

  void actor(ActorRef<NodeActor.Command> actor) {
    this.actor = actor;
  }

  void holdings(Supplier<List<NodeMessage.Holdings.Tier>> source) {
    this.holdings = source;
  }

  /** What this node's tiers hold. */
  List<NodeMessage.Holdings.Tier> holdings() {
    return holdings.get();
  }

  /** A node's actor is known from now on; it may not be reachable yet. */
  void met(long nodeId, ActorRef<NodeMessage> actor) {
    if (actors.size() >= MAX_ACTORS) {
      Set<Long> ids = new HashSet<>();
      nodes.forEach(node -> ids.add(node.nodeId()));
      actors.keySet().retainAll(ids);
    }
    actors.put(nodeId, actor);
  }

  /** The actor of a node, or null. */
  ActorRef<NodeMessage> actorOf(long nodeId) {
    return actors.get(nodeId);
  }

  /** Whether the nodes have changed. This node is always among them. */
  boolean set(NodeInfo self, List<NodeInfo> nodes) {
    List<NodeInfo> all = nodes.isEmpty() ? List.of(self) : nodes;
    boolean changed = !all.equals(this.nodes);
    this.self = self;
    this.nodes = all;
    return changed;
  }

  @Override
  public NodeInfo self() {
    return self;
  }

  @Override
  public List<NodeInfo> reachable() {
    return nodes;
  }

  @Override
  public AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
    // A listener of its own, so that the same one may be given twice.
    Consumer<List<NodeInfo>> one = listener::accept;
    actor.tell(new NodeActor.Listen(one));
    return () -> actor.tell(new NodeActor.Unlisten(one));
  }
}
