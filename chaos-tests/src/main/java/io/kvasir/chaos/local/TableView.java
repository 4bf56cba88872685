package io.kvasir.chaos.local;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** What one node sees, as it is told. Any thread. */
final class TableView implements ClusterView {
  private final List<Consumer<List<NodeInfo>>> listeners = new CopyOnWriteArrayList<>();
  private volatile NodeInfo self;
  private volatile List<NodeInfo> nodes = List.of();

  TableView(NodeInfo self) {
    this.self = self;
  }

  void become(NodeInfo info) {
    self = info;
  }

  void see(List<NodeInfo> reachable) {
    nodes = List.copyOf(reachable);
    listeners.forEach(listener -> listener.accept(nodes));
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
    listeners.add(listener);
    listener.accept(nodes);
    return () -> listeners.remove(listener);
  }
}
