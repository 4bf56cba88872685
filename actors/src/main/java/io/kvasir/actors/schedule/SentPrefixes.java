package io.kvasir.actors.schedule;

import io.kvasir.runtime.blocks.BlockKeys;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where prefixes were sent last: what a gateway knows by itself when the directory is late. Of each
 * prompt only the blocks whose number is a power of two are kept, so that a long one takes little
 * room; what is found is at least half as long as what is shared. Bounded, the least recently used
 * go first. One thread.
 */
final class SentPrefixes {
  // Key, value and the map's own node.
  private static final long ENTRY_BYTES = 136;

  private record Prefix(long high, long low) {}

  /**
   * A node that has computed a prefix, as far as nothing else took its place.
   *
   * @param tokens of the prefix
   */
  record Place(long nodeId, int tokens) {}

  private final int maxEntries;
  private final LinkedHashMap<Prefix, Long> nodes =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Prefix, Long> eldest) {
          return size() > maxEntries;
        }
      };

  SentPrefixes(int maxEntries) {
    this.maxEntries = maxEntries;
  }

  /** A prompt goes to a node. */
  void sent(BlockKeys keys, long nodeId) {
    for (int blocks = 1; blocks <= keys.blockCount(); blocks *= 2) {
      nodes.put(prefix(keys, blocks), nodeId);
    }
  }

  /** Where the longest known prefix of a prompt was sent last; null = nowhere. */
  Place find(BlockKeys keys) {
    for (int blocks = Integer.highestOneBit(keys.blockCount()); blocks > 0; blocks /= 2) {
      Long node = nodes.get(prefix(keys, blocks));
      if (node != null) {
        return new Place(node, blocks * keys.slots());
      }
    }
    return null;
  }

  private static Prefix prefix(BlockKeys keys, int blocks) {
    return new Prefix(keys.high(0, blocks - 1), keys.low(0, blocks - 1));
  }

  int size() {
    return nodes.size();
  }

  /** Heap that it takes, by the usual size of an entry. */
  long estimatedBytes() {
    return ENTRY_BYTES * nodes.size();
  }
}
