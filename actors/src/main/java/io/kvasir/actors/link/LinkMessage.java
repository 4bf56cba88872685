package io.kvasir.actors.link;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.kvasir.actors.cluster.ClusterMessage;
import io.kvasir.transport.LinkKeys;

/**
 * What two nodes say to each other to link their transports. Of each pair the node with the lower
 * id proposes; the other may ask it to. Messages may be lost, repeated and late: each names the
 * lives of both nodes, and all but {@link Ask} one attempt.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = LinkMessage.Ask.class, name = "ask"),
  @JsonSubTypes.Type(value = LinkMessage.Propose.class, name = "propose"),
  @JsonSubTypes.Type(value = LinkMessage.Accept.class, name = "accept"),
  @JsonSubTypes.Type(value = LinkMessage.Refuse.class, name = "refuse"),
  @JsonSubTypes.Type(value = LinkMessage.Drop.class, name = "drop"),
  @JsonSubTypes.Type(value = LinkMessage.Rekey.class, name = "rekey")
})
public sealed interface LinkMessage extends ClusterMessage permits LinkMessage.Wire, LocalMessage {
  /** Travels between nodes. */
  sealed interface Wire extends LinkMessage {
    /** Who speaks, to whom. */
    Lives lives();

    /** Whether nothing that it needs is missing or of another length. */
    default boolean wellFormed() {
      return lives() != null;
    }
  }

  private static boolean isSecret(byte[] bytes) {
    return bytes != null && bytes.length == LinkKeys.SECRET_BYTES;
  }

  /**
   * Sender and receiver.
   *
   * @param from node that speaks
   * @param fromIncarnation its life
   * @param toIncarnation life of the receiver, as the sender knows it
   */
  record Lives(long from, long fromIncarnation, long toIncarnation) {}

  /**
   * Asks the node with the lower id to propose.
   *
   * @param brokenLink the attempt that no longer works for the asker, 0 = it knows none
   */
  record Ask(Lives lives, long brokenLink) implements Wire {}

  /**
   * Proposes a link.
   *
   * @param link number of the attempt, random
   * @param invitation {@link io.kvasir.transport.Invitation#toText}
   * @param forward 32 bytes: secret of what the proposer sends
   * @param backward 32 bytes: secret of what it receives
   */
  record Propose(Lives lives, long link, String invitation, byte[] forward, byte[] backward)
      implements Wire {
    @Override
    public boolean wellFormed() {
      return lives != null && invitation != null && isSecret(forward) && isSecret(backward);
    }

    @Override
    public String toString() {
      return "Propose[" + lives + ", link=" + link + "]";
    }
  }

  /** The receiver of a proposal is connected; its own invitation. */
  record Accept(Lives lives, long link, String invitation) implements Wire {
    @Override
    public boolean wellFormed() {
      return lives != null && invitation != null;
    }
  }

  /** The receiver will not link now. */
  record Refuse(Lives lives, long link, String reason) implements Wire {}

  /** The sender has given the link up. */
  record Drop(Lives lives, long link) implements Wire {}

  /**
   * A step of a rotation of keys.
   *
   * @param keyId of the new keys
   * @param step which one; secrets are in {@link Step#INSTALL} only
   */
  record Rekey(Lives lives, long link, int keyId, Step step, byte[] forward, byte[] backward)
      implements Wire {
    @Override
    public boolean wellFormed() {
      boolean keyed = step != Step.INSTALL || isSecret(forward) && isSecret(backward);
      return lives != null && step != null && keyed;
    }

    @Override
    public String toString() {
      return "Rekey[" + lives + ", link=" + link + ", keyId=" + keyId + ", " + step + "]";
    }
  }

  /** Steps of a rotation; the proposer says the first and the third. */
  enum Step {
    INSTALL,
    INSTALLED,
    ACTIVATE,
    ACTIVATED
  }
}
