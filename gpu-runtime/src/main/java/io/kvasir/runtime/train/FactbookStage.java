package io.kvasir.runtime.train;

import java.util.List;

/**
 * One step of the curriculum: rows of a fixed length, each a document and questions until it is
 * full.
 *
 * @param rowTokens tokens of a row
 * @param documentTokenMinimum shortest document in tokens
 * @param documentTokenLimit longest document in tokens
 * @param factsPerShipLimit most facts told of one ship
 * @param repeatedShare one row in this many is a repeated random sequence, which keeps the heads
 *     that copy alive; 1 means all rows
 */
record FactbookStage(
    int rowTokens,
    int documentTokenMinimum,
    int documentTokenLimit,
    int factsPerShipLimit,
    int repeatedShare) {

  /**
   * Repeated sequences first: a model of this size finds the heads that copy only there. Then
   * longer and longer documents.
   */
  static final List<FactbookStage> CURRICULUM =
      List.of(
          new FactbookStage(64, 0, 0, 0, 1),
          new FactbookStage(64, 6, 16, 3, 8),
          new FactbookStage(64, 10, 34, 3, 8),
          new FactbookStage(96, 16, 60, 4, 8),
          new FactbookStage(160, 24, 104, 4, 16),
          new FactbookStage(256, 32, 180, 5, 16),
          new FactbookStage(384, 40, 300, 6, 16),
          new FactbookStage(640, 40, 505, 6, 16));
}
