package io.kvasir.actors.cluster;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.apache.pekko.actor.typed.ActorRef;

/** What the node actors of two nodes say to each other. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = NodeMessage.Introduce.class, name = "introduce"),
  @JsonSubTypes.Type(value = NodeMessage.Known.class, name = "known")
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
}
