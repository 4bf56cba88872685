package io.kvasir.node.cluster;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.actors.api.ClusterNode;
import io.kvasir.actors.api.NodeAdmin;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.cluster.NodeMessage.Holdings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.AbstractExtensionId;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Extension;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.ClusterEvent.CurrentClusterState;
import org.apache.pekko.cluster.Member;

/** The cluster as this node sees it, as a document. Any thread. */
final class NodeStatus {
  private static final Duration LIMIT = Duration.ofSeconds(2);

  private final ObjectMapper json = new ObjectMapper();
  private final ActorSystem<?> system;
  private final ClusterNode node;

  NodeStatus(ActorSystem<?> system, ClusterNode node) {
    this.system = system;
    this.node = node;
  }

  NodeAdmin admin() {
    return node.admin();
  }

  /** One entry a member; {@code reachable} and {@code known} are this node's opinion. */
  CompletionStage<String> document() {
    return node.cluster().holdings(LIMIT).thenApply(this::document);
  }

  private String document(Map<Long, List<Holdings.Tier>> holdings) {
    CurrentClusterState state = Cluster.get(Adapter.toClassic(system)).state();
    Set<Member> unreachable = state.getUnreachable();
    ClusterView view = node.cluster().view();
    ObjectNode root = json.createObjectNode();
    root.put("self", view.self().name());
    root.put("refusedConnections", CountingTls.refusedCount());
    ArrayNode members = root.putArray("members");
    for (Member member : state.getMembers()) {
      ObjectNode one = members.addObject();
      one.put("address", member.address().toString());
      one.put("status", member.status().toString());
      one.put("reachable", !unreachable.contains(member));
      one.put("appVersion", member.appVersion().version());
      ArrayNode roles = one.putArray("roles");
      member.getRoles().stream()
          .filter(role -> !role.startsWith("dc-"))
          .sorted()
          .forEach(roles::add);
      NodeInfo info = find(view, member.address().toString());
      one.put("known", info != null);
      if (info != null) {
        one.put("name", info.name());
        one.put("nodeId", Long.toUnsignedString(info.nodeId(), 16));
        ArrayNode models = one.putArray("models");
        info.models().forEach(model -> models.add(model.id()));
        ObjectNode blocks = one.putObject("blocks");
        holdings
            .getOrDefault(info.nodeId(), List.of())
            .forEach(tier -> blocks.put(tier.tier(), tier.blocks()));
      }
    }
    return root.toString();
  }

  private static NodeInfo find(ClusterView view, String address) {
    for (NodeInfo info : view.reachable()) {
      if (info.address().equals(address)) {
        return info;
      }
    }
    return null;
  }

  /** Where the admin routes, which Pekko creates, find the status of their actor system. */
  static final class Holder extends AbstractExtensionId<Holder.Slot> {
    private static final Holder ID = new Holder();

    private Holder() {}

    /** Of one actor system; empty until the node has started. */
    static final class Slot implements Extension {
      private final AtomicReference<NodeStatus> status = new AtomicReference<>();

      void set(NodeStatus one) {
        status.set(one);
      }

      NodeStatus get() {
        return status.get();
      }
    }

    static Slot of(org.apache.pekko.actor.ActorSystem system) {
      return ID.get(system);
    }

    @Override
    public Slot createExtension(ExtendedActorSystem system) {
      return new Slot();
    }
  }
}
