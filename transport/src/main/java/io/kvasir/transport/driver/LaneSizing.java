package io.kvasir.transport.driver;

/**
 * The log of one lane to one peer in one direction.
 *
 * @param name for people
 * @param termBytes a power of two; a log has three
 * @param windowBytes what a UDP sender may have under way; at most half a term
 * @param mtuBytes largest frame, header included; at most an eighth of a term
 */
public record LaneSizing(String name, int termBytes, int windowBytes, int mtuBytes) {
  /** Counters, ids and tail of a log, behind its terms. */
  static final int METADATA_BYTES = 4096;

  /** Terms in a log. */
  static final int TERMS = 3;

  long logBytes() {
    return (long) TERMS * termBytes + METADATA_BYTES;
  }
}
