package io.kvasir.actors.directory;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A view that a test sets. */
final class TestView implements ClusterView {
  private final NodeInfo self;
  private final List<Consumer<List<NodeInfo>>> listeners = new ArrayList<>();
  private List<NodeInfo> nodes = List.of();

  TestView(long nodeId, long incarnation) {
    this.self =
        new NodeInfo(
            nodeId, incarnation, "", "", java.util.Set.of(), "", List.of(), null, null, null);
  }

  synchronized void set(List<NodeInfo> now) {
    nodes = List.copyOf(now);
    listeners.forEach(listener -> listener.accept(nodes));
  }

  @Override
  public NodeInfo self() {
    return self;
  }

  @Override
  public synchronized List<NodeInfo> reachable() {
    return nodes;
  }

  @Override
  public synchronized AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
    listeners.add(listener);
    listener.accept(nodes);
    return () -> listeners.remove(listener);
  }
}
