package io.kvasir.actors.directory;

import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import java.util.BitSet;
import java.util.List;

/**
 * Who holds which blocks of a chain, as far as the directory knows; to be verified on use.
 *
 * @param late whether the directory did not answer within the deadline
 */
public record Holdings(List<Holder> holders, boolean late) {
  /** Nothing known. */
  public static final Holdings NONE = new Holdings(List.of(), false);

  /** Not answered in time. */
  public static final Holdings LATE = new Holdings(List.of(), true);

  public Holdings {
    holders = List.copyOf(holders);
  }

  /**
   * One tier of one node.
   *
   * @param incarnation life of the node that announced them
   * @param residence {@code DEVICE}, {@code HOST} or {@code DISK} of that node
   * @param blocks [group] blocks of the chain that it holds, by their place
   */
  public record Holder(long nodeId, long incarnation, Residence residence, List<BitSet> blocks) {
    /** Blocks from the chain's start that it could serve alone, all groups together (A13). */
    public int prefixBlocks(BlockShape shape) {
      int limit = Integer.MAX_VALUE;
      for (int g = 0; g < blocks.size(); g++) {
        limit = Math.min(limit, blocks.get(g).length());
      }
      for (int n = limit; n > 0; n--) {
        boolean whole = true;
        for (int g = 0; g < blocks.size() && whole; g++) {
          whole = blocks.get(g).nextClearBit(shape.firstNeeded(g, n)) >= n;
        }
        if (whole) {
          return n;
        }
      }
      return 0;
    }
  }
}
