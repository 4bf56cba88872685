package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ClusterMessage;

/** What the service that takes prompts for a node's devices understands. */
public interface GenerationMessage extends ClusterMessage {}
