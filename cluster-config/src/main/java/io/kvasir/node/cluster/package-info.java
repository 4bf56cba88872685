/**
 * A node as a member of a cluster: its Pekko configuration, TLS between nodes, the admin routes,
 * the certificates, and the launcher that keeps a node running. Imported by the commands only. Each
 * class says which thread it is for. Start at {@link io.kvasir.node.cluster.ClusterConfig} and
 * {@link io.kvasir.node.cluster.NodeKeeper}.
 */
package io.kvasir.node.cluster;
