package io.kvasir.actors.cluster;

import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;

/**
 * A model as one device serves it.
 *
 * @param id as clients name it
 * @param fingerprint model, weights and arithmetic: answers are equal, and blocks shared, only
 *     between equal ones
 * @param maxContextTokens longest sequence
 * @param vocabSize length of a row of logits
 * @param hiddenSize values of an embedding
 */
public record ModelInfo(
    String id,
    String fingerprint,
    int maxContextTokens,
    int vocabSize,
    int hiddenSize,
    BlockShape shape,
    KeyScheme keys)
    implements ClusterMessage {}
