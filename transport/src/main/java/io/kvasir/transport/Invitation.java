package io.kvasir.transport;

import java.util.Objects;

/**
 * What a peer needs to know to send to this node. Made by {@link BlockTransport#invite}, carried to
 * the peer over the caller's authenticated channel, used there with {@link BlockTransport#connect}.
 * Each side invites the other. Subscriptions take only the sessions named by an invitation, so
 * frames and set-ups of strangers get no buffers.
 *
 * @param nodeId the inviting node
 * @param incarnation its life; frames to any other are refused
 * @param guestNodeId the node that may use the invitation
 * @param driverId digest that names the media driver; equal ones share memory. 0 = none
 * @param endpoint {@code host:port} for UDP, or empty
 * @param streamBase Aeron stream of the control lane; the others follow
 * @param sessionBase session ids are this plus the publication number, counting from 1
 */
public record Invitation(
    long nodeId,
    long incarnation,
    long guestNodeId,
    long driverId,
    String endpoint,
    int streamBase,
    int sessionBase) {
  private static final String TEXT_VERSION = "kvasir-invitation-1";
  private static final int TEXT_WORDS = 8;

  public Invitation {
    Objects.requireNonNull(endpoint, "endpoint");
  }

  /** One line that {@link #parse} reads back, for channels that carry text. */
  public String toText() {
    return String.join(
        " ",
        TEXT_VERSION,
        Long.toString(nodeId),
        Long.toString(incarnation),
        Long.toString(guestNodeId),
        Long.toString(driverId),
        Integer.toString(streamBase),
        Integer.toString(sessionBase),
        endpoint.isEmpty() ? "-" : endpoint);
  }

  /**
   * Reads {@link #toText}.
   *
   * @throws IllegalArgumentException if it is another text
   */
  public static Invitation parse(String text) {
    String[] words = text.split(" ");
    if (words.length != TEXT_WORDS || !words[0].equals(TEXT_VERSION)) {
      throw new IllegalArgumentException(
          "a text of "
              + words.length
              + " words is no "
              + TEXT_VERSION
              + " of "
              + TEXT_WORDS
              + " words; pass on what toText() gave, at an equal release");
    }
    return new Invitation(
        Long.parseLong(words[1]),
        Long.parseLong(words[2]),
        Long.parseLong(words[3]),
        Long.parseLong(words[4]),
        words[7].equals("-") ? "" : words[7],
        Integer.parseInt(words[5]),
        Integer.parseInt(words[6]));
  }
}
