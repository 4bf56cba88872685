package io.kvasir.runtime.blocks;

import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;

/**
 * A block to be brought onto a device.
 *
 * @param id its key and group
 * @param root key of group 0's first block of its chain
 * @param index place in the chain, from 0
 * @param source its bytes; unchanged until the load has completed
 * @param layerChecksums CRC32C of each layer of the group, made when the block was sealed; the
 *     device checks them again after the copy
 * @param granted whether the source may be read and has not changed since it was given; asked on
 *     the device's thread before the copy and after it
 */
public record BlockLoad(
    BlockId id,
    BlockId root,
    int index,
    MemorySegment source,
    int[] layerChecksums,
    BooleanSupplier granted) {

  /** Of a source that its giver keeps as it is until the load has completed. */
  public BlockLoad(
      BlockId id, BlockId root, int index, MemorySegment source, int[] layerChecksums) {
    this(id, root, index, source, layerChecksums, () -> true);
  }
}
