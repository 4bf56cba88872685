package io.kvasir.runtime.blocks;

/** Where the final KV of a prompt token came from (law 4); the order is that of nearness. */
public enum Residence {
  /** It was in the device's own cache. */
  DEVICE,
  /** Loaded from this host's memory. */
  HOST,
  /** Loaded from a disk of this host. */
  DISK,
  /** Loaded from another node. */
  PEER,
  /** Loaded from a remote store. */
  REMOTE
}
