package io.kvasir.actors.api;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.session.Demoter;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.tier.TierMessage;

/**
 * Asks the tiers of the node that served a session last to let the session's blocks leave its
 * device. A node that is gone, or in another life, is not asked. Any thread.
 */
final class SessionDemoter implements Demoter {
  private final ClusterView view;

  SessionDemoter(ClusterView view) {
    this.view = view;
  }

  @Override
  public void demote(String tenant, Sessions.Use last) {
    NodeInfo node = view.find(last.nodeId());
    Sessions.Tail tail = last.tail();
    if (tail == null
        || tail.keys() == null
        || node == null
        || node.incarnation() != last.incarnation()
        || node.tier() == null) {
      return;
    }
    NodeInfo self = view.self();
    node.tier()
        .tell(
            new TierMessage.Demote(
                new TierMessage.Lives(
                    self.nodeId(), self.incarnation(), node.nodeId(), node.incarnation()),
                tail.domain(),
                tail.chain(last.rootHigh(), last.rootLow())));
  }
}
