package io.kvasir.runtime.blocks;

import java.util.List;

/**
 * What a tier needs to know about the blocks of one model on one arithmetic.
 *
 * @param domainDigest 32 hex digits: equal only where blocks have one meaning
 * @param slots tokens a block
 * @param groups in the order of their ids
 */
public record BlockShape(String domainDigest, int slots, List<Group> groups) {
  /**
   * One layer group.
   *
   * @param blockBytes bytes of a block; a multiple of {@code layerCount}
   * @param layerCount layers in a block, of equal length, one behind the other
   * @param window 0 for full attention, otherwise the number of latest tokens a row sees
   * @param encoding code of the page encoding, opaque to tiers
   */
  public record Group(int blockBytes, int layerCount, int window, int encoding) {}

  public BlockShape {
    groups = List.copyOf(groups);
  }

  /** First block of a group that a row behind {@code blocks} blocks can see. */
  public int firstNeeded(int group, int blocks) {
    int window = groups.get(group).window();
    return window == 0 ? 0 : Math.max(0, blocks * slots - window) / slots;
  }

  /** Bytes of the blocks that a prefix of {@code blocks} blocks needs over all groups. */
  public long prefixBytes(int blocks) {
    long bytes = 0;
    for (int g = 0; g < groups.size(); g++) {
      bytes += (long) (blocks - firstNeeded(g, blocks)) * groups.get(g).blockBytes();
    }
    return bytes;
  }
}
