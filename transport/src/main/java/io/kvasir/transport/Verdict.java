package io.kvasir.transport;

/** What became of one block of a transfer. Exactly one verdict a block, and it never changes. */
public sealed interface Verdict {
  /** Wire code: not decided; as the answer to an offer: place reserved. */
  int PENDING = 0;

  /** Wire code of {@link Delivered}. */
  int DELIVERED = 1;

  /** Wire code of {@link TimedOut}. */
  int TIMED_OUT = 2;

  /** Wire code of {@link PeerLost}. */
  int PEER_LOST = 3;

  /** All bytes are in the destination slot and have the checksum made at sealing. */
  record Delivered() implements Verdict {}

  /**
   * One side would not have it. Destination bytes are undefined.
   *
   * @param reason why
   */
  record Refused(Refusal reason) implements Verdict {}

  /**
   * The deadline passed. At the sender this does not exclude that the receiver has the block: its
   * last word may be lost.
   */
  record TimedOut() implements Verdict {}

  /** The peer, its incarnation or the medium went away. */
  record PeerLost() implements Verdict {}

  /** Whether the block is proven to be in place. */
  default boolean delivered() {
    return this instanceof Delivered;
  }

  /** The verdict of a wire code other than {@link #PENDING}. */
  static Verdict ofCode(int code) {
    return switch (code) {
      case DELIVERED -> Verdicts.DELIVERED;
      case TIMED_OUT -> Verdicts.TIMED_OUT;
      case PEER_LOST -> Verdicts.PEER_LOST;
      default -> Verdicts.refused(Refusal.ofCode(code));
    };
  }
}
