package io.kvasir.actors.cluster;

import java.util.List;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;

/** The view as every thread reads it; written by the node actor. */
final class SharedView implements ClusterView {
  private volatile NodeInfo self;
  private volatile List<NodeInfo> nodes;
  private volatile ActorRef<NodeActor.Command> actor;

  SharedView(NodeInfo self) {
    this.self = self;
    this.nodes = List.of(self);
  }

  void actor(ActorRef<NodeActor.Command> actor) {
    this.actor = actor;
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
