/**
 * What every part of a node knows of the cluster: who is reachable, what they serve, and where
 * their services are. {@link io.kvasir.actors.cluster.ClusterView} is the start; every actor
 * message that leaves a node is a {@link io.kvasir.actors.cluster.ClusterMessage}.
 */
package io.kvasir.actors.cluster;
