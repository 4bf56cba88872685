package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockLoad;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** Carries blocks between the engines of a test. */
final class BlockMover {
  private BlockMover() {}

  /** The first {@code blocks} blocks of every group, chain by chain. */
  static List<BlockId> ids(BlockKeys keys, int blocks) {
    List<BlockId> ids = new ArrayList<>();
    for (int g = 0; g < keys.groupCount(); g++) {
      for (int b = 0; b < blocks; b++) {
        ids.add(keys.id(g, b));
      }
    }
    return ids;
  }

  /** Reads the blocks that are cached; what comes back can be loaded elsewhere. */
  static List<BlockLoad> read(EngineHarness from, BlockKeys keys, int blocks) {
    List<BlockId> ids = ids(keys, blocks);
    List<BlockCopy> copies = new ArrayList<>();
    for (BlockId id : ids) {
      int bytes = from.desk.shape().groups().get(id.group()).blockBytes();
      copies.add(new BlockCopy(id, Arena.ofAuto().allocate(bytes, 64)));
    }
    List<int[]> checksums = BlockDeskTest.answer(from, from.desk.read(copies));
    List<BlockLoad> loads = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      if (checksums.get(i) != null) {
        loads.add(
            new BlockLoad(
                ids.get(i), keys.root(), i % blocks, copies.get(i).target(), checksums.get(i)));
      }
    }
    return loads;
  }
}
