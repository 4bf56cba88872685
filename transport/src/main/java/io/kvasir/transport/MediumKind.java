package io.kvasir.transport;

/** What carries the frames of a peer. Chosen when connecting, reported by {@link PeerStatus}. */
public enum MediumKind {
  /** Rings within one JVM. */
  MEMORY,
  /** Shared memory: both nodes use the same media driver. */
  IPC,
  /** UDP unicast. */
  UDP
}
