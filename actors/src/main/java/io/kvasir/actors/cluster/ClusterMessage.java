package io.kvasir.actors.cluster;

/**
 * A message that may travel between nodes: a record serialised as CBOR (bound in reference.conf).
 * Its golden bytes are in the tests; readers take this version and the one before.
 */
public interface ClusterMessage {}
