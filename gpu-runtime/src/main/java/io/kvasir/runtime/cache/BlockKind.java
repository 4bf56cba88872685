package io.kvasir.runtime.cache;

/** What a keyed block holds; the first field of every key domain. Codes are part of the format. */
public enum BlockKind {
  /** KV of a prefix, computed exactly. */
  PREFIX(1),
  /** KV of a text that stood behind nothing but a canonical preamble. */
  SEGMENT(2),
  /** Recurrent or convolution states at the end of a block. */
  STATE(3),
  /** Hidden states or vision features. */
  FEATURE(4),
  /** KV of a draft model. */
  DRAFT(5),
  /** Weights of an expert. */
  EXPERT(6),
  /** KV computed after a lossy step. */
  DERIVED(7);

  private final int code;

  BlockKind(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
