package io.kvasir.transport;

/**
 * Why a block or a peer was refused. The code is part of the wire format and never changes its
 * meaning; codes below 16 belong to {@link Verdict}.
 */
public enum Refusal {
  /** The source has no block of that key. */
  NOT_FOUND(16, "the source holds no such block"),
  /** The receiver has no free slot. */
  NO_SPACE(17, "the receiver has no free slot"),
  /** The receiver holds the block already. */
  ALREADY_PRESENT(18, "the receiver holds the block already"),
  /** The bytes in place do not have the checksum made at sealing. */
  CHECKSUM(19, "the bytes received do not have the checksum of the sealed block"),
  /** The source's slot was reused before or while it was read. */
  STALE_SOURCE(20, "the source's slot has another generation"),
  /** The receiver's slot was reused while it was filled. */
  STALE_DESTINATION(21, "the destination slot has another generation"),
  /** The reference was made in another life of the source. */
  WRONG_INCARNATION(22, "the reference belongs to another incarnation"),
  /** The block does not fit its destination slot. */
  TOO_LARGE(23, "the block does not fit the destination slot"),
  /** The block does not have these layers. */
  LAYERS(24, "the block does not have the layers asked for"),
  /** The block's encoding is not the expected one. */
  ENCODING(25, "the block has another encoding"),
  /** A table, queue or peer limit is reached. */
  BUSY(26, "a limit on transfers or queued commands is reached"),
  /** Best effort only: no credit when the block's turn came. */
  NO_CREDIT(27, "no credit at the block's turn, and best effort does not wait"),
  /** Cancelled by a caller on either side. */
  CANCELLED(28, "cancelled"),
  /** The region is closing or was never registered. */
  REGION_CLOSED(29, "the region is closed"),
  /** The other side does not know the transfer (any more). */
  UNKNOWN_TRANSFER(30, "the other side does not know the transfer"),
  /** Block does not match what was asked for or offered. */
  MISMATCH(31, "the block offered is not the block asked for"),
  /** The batch is longer than the peer accepts. */
  BATCH_TOO_LONG(32, "the batch is longer than the peer accepts"),
  /** The caller's source or sink threw. */
  CALLER_FAILED(33, "the block source or sink of the node threw"),
  /** The transport is closed. */
  CLOSED(34, "the transport is closed"),
  /** Peer handshake: protocol versions do not overlap. */
  VERSION(40, "protocol versions do not overlap"),
  /** Peer handshake: the peers hash the test vector differently. */
  CANONICAL_HASH(41, "the peers key blocks differently"),
  /** Peer handshake: fingerprints differ. */
  FINGERPRINT(42, "the fingerprints differ"),
  /** Peer handshake: the peer is not who the invitation named. */
  IDENTITY(43, "the peer is not the invited node");

  private static final Refusal[] BY_CODE = new Refusal[64];

  static {
    for (Refusal refusal : values()) {
      BY_CODE[refusal.code] = refusal;
    }
  }

  private final int code;
  private final String sentence;

  Refusal(int code, String sentence) {
    this.code = code;
    this.sentence = sentence;
  }

  /** Code on the wire, 16..63. */
  public int code() {
    return code;
  }

  /** What it means, without values. */
  public String sentence() {
    return sentence;
  }

  /** The refusal of a wire code; unknown codes of a newer peer read as {@link #MISMATCH}. */
  public static Refusal ofCode(int code) {
    Refusal refusal = code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    return refusal == null ? MISMATCH : refusal;
  }
}
