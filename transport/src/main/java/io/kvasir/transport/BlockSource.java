package io.kvasir.transport;

/** What a node serves to pulls. Called on the agent: answers at once and never blocks. */
@FunctionalInterface
public interface BlockSource {
  /** Serves nothing. */
  BlockSource NONE = (peerNodeId, key) -> null;

  /**
   * The block of a key, or null. The block's slot must stay unchanged, or its generation be
   * renewed, as long as the caller of the pull may read it.
   *
   * @param peerNodeId who asks
   */
  SealedBlock find(long peerNodeId, BlockKey key);
}
