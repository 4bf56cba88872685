package io.kvasir.actors.tier;

/** Why tokens of full blocks are computed though a tier might have had them. */
public enum MissReason {
  /** No tier that could be asked holds the block. */
  NOT_CACHED,
  /** The directory did not answer in time. */
  LOOKUP_LATE,
  /** A holder had dropped it, or refused. */
  GONE,
  /** Loading began and failed or was late. */
  LOAD_FAILED,
  /** Loading was predicted to take longer than computing. */
  SLOWER,
  /** The device has no free pages for it. */
  NO_SPACE
}
