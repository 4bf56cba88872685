package io.kvasir.actors.directory;

import io.kvasir.actors.cluster.ClusterMessage;

/** What a node's part of the directory understands. */
public interface DirectoryMessage extends ClusterMessage {}
