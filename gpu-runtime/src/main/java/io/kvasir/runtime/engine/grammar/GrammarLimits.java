package io.kvasir.runtime.engine.grammar;

/**
 * What a grammar may cost. Generous for schemas that people write, small enough that a hostile one
 * is refused within a second or two and a compiled one stays below some tens of megabytes.
 */
final class GrammarLimits {
  /** Characters of a schema, a pattern, or all choices together. */
  static final int MAX_TEXT_LENGTH = 512 << 10;

  /** Nesting of the schema's own JSON text. */
  static final int MAX_SCHEMA_NESTING = 128;

  /** Nesting of groups in a regular expression. */
  static final int MAX_GROUP_NESTING = 200;

  /** Calls open at one time: how deep an answer may nest. */
  static final int MAX_DEPTH = 64;

  /** States of all rules together. */
  static final int MAX_STATES = 120_000;

  /** Entries of the transition table, 4 bytes each. */
  static final int MAX_CELLS = 8 << 20;

  static final int MAX_RULES = 20_000;

  /** Alternatives that one schema may fan out into once anyOf, oneOf and allOf are multiplied. */
  static final int MAX_ALTERNATIVES = 10_000;

  /** Units of {@link WorkBudget}: states, edges and members of state sets touched. */
  static final long MAX_WORK = 12_000_000;

  /** Readings of one text that are followed at the same time. */
  static final int MAX_THREADS = 512;

  /** Bytes of cached token masks of one grammar before the cache starts anew. */
  static final long MAX_MASK_BYTES = 64L << 20;

  /** Trie nodes visited to find out what a vocabulary without single-byte tokens can spell. */
  static final long MAX_COVERAGE_WALK = 30_000_000;

  private GrammarLimits() {}
}
