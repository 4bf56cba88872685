package io.kvasir.actors.cluster;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/** What the node actors of two nodes say to each other. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = NodeMessage.Introduce.class, name = "introduce"),
  @JsonSubTypes.Type(value = NodeMessage.Known.class, name = "known"),
  @JsonSubTypes.Type(value = NodeMessage.AskHoldings.class, name = "ask-holdings"),
  @JsonSubTypes.Type(value = NodeMessage.Holdings.class, name = "holdings")
})
public sealed interface NodeMessage extends ClusterMessage, NodeActor.Command {
  /**
   * The sender as it is now; repeated until it is known.
   *
   * @param memberUid tells lives at one address apart, as the cluster does
   * @param sequence grows with each change within one life
   */
  record Introduce(NodeInfo node, long memberUid, long sequence, ActorRef<NodeMessage> from)
      implements NodeMessage {}

  /**
   * The answer.
   *
   * @param incarnation of the node that was introduced
   * @param sequence that is now known
   */
  record Known(long incarnation, long sequence, ActorRef<NodeMessage> by) implements NodeMessage {}

  /** How much do you hold? */
  record AskHoldings(ActorRef<NodeMessage> replyTo) implements NodeMessage {}

  /** What a node's tiers hold now, by tier. */
  record Holdings(long nodeId, List<Tier> tiers) implements NodeMessage {
    public Holdings {
      tiers = tiers == null ? List.of() : List.copyOf(tiers);
    }

    /**
     * One tier.
     *
     * @param tier {@code device} or {@code host}
     */
    public record Tier(String tier, long blocks, long bytes) {}
  }
}
