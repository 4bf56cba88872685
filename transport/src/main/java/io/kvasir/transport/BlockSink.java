package io.kvasir.transport;

/**
 * Where a node puts blocks that peers push. Called on the agent: answers at once and never blocks.
 * Every placed block is followed by exactly one {@link #onVerdict}.
 */
public interface BlockSink {
  /** Refuses every push. */
  BlockSink NONE =
      new BlockSink() {
        @Override
        public Placement place(BlockOffer offer) {
          return Placement.refuse(Refusal.NO_SPACE);
        }

        @Override
        public void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict) {}
      };

  /** Chooses the slot of an offered block, which then belongs to the transport, or refuses it. */
  Placement place(BlockOffer offer);

  /** The block's end: the slot is the sink's again. */
  void onVerdict(BlockOffer offer, BlockRef slot, Verdict verdict);

  /**
   * A block as its source describes it.
   *
   * @param peerNodeId who pushes
   * @param key its key
   * @param layers the layers offered, never {@link LayerRange#ALL}
   * @param layerCount layers of the whole block
   * @param blockBytes bytes of the whole block
   * @param encoding opaque code of the encoding
   */
  record BlockOffer(
      long peerNodeId,
      BlockKey key,
      LayerRange layers,
      int layerCount,
      int blockBytes,
      int encoding) {}

  /**
   * A slot or a refusal.
   *
   * @param slot destination, or null
   * @param refusal reason, or null
   */
  record Placement(BlockRef slot, Refusal refusal) {
    /** Put it there. */
    public static Placement at(BlockRef slot) {
      return new Placement(slot, null);
    }

    /** Not wanted. */
    public static Placement refuse(Refusal reason) {
      return new Placement(null, reason);
    }
  }
}
