package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.ClusterMessage;

/** What a node's host tier understands. */
public interface TierMessage extends ClusterMessage {}
