package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import java.util.ArrayList;
import java.util.List;

/**
 * A block and where it stands in its chain.
 *
 * @param root first block of group 0 of its chain
 * @param index place in the chain, from 0
 */
public record BlockPlace(BlockId id, BlockId root, int index) {
  /** Blocks [from, to) of a chain in its order, those of one place by group. */
  public static List<BlockPlace> of(BlockKeys keys, int from, int to) {
    List<BlockPlace> places = new ArrayList<>((to - from) * keys.groupCount());
    for (int block = from; block < to; block++) {
      for (int group = 0; group < keys.groupCount(); group++) {
        places.add(new BlockPlace(keys.id(group, block), keys.root(), block));
      }
    }
    return places;
  }
}
