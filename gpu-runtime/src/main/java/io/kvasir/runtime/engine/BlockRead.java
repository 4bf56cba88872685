package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.cache.BlockAccess;
import io.kvasir.runtime.engine.EngineCounters.Counter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Blocks on their way out. A block that was evicted before its turn is not there. */
final class BlockRead implements BlockTransfer {
  private final BlockAccess access;
  private final BlockShape shape;
  private final List<BlockCopy> copies;
  private final BlockDesk desk;
  private final CompletableFuture<List<int[]>> result;
  private final int[][] checksums;
  private int next;

  BlockRead(
      BlockAccess access,
      BlockShape shape,
      List<BlockCopy> copies,
      BlockDesk desk,
      CompletableFuture<List<int[]>> result) {
    this.access = access;
    this.shape = shape;
    this.copies = copies;
    this.desk = desk;
    this.result = result;
    this.checksums = new int[copies.size()][];
  }

  @Override
  public long move(long bytes) {
    long moved = 0;
    try {
      while (next < copies.size() && moved < bytes && !result.isDone()) {
        moved += copy(next++);
      }
      access.await();
    } catch (RuntimeException e) {
      fail(e);
      return moved;
    }
    if (result.isDone() || next == copies.size()) {
      next = copies.size();
      desk.finish(result, Arrays.asList(checksums));
    }
    return moved;
  }

  private long copy(int i) {
    BlockId id = copies.get(i).id();
    if (!access.copyOut(id.group(), id.high(), id.low(), copies.get(i).target())) {
      return 0;
    }
    checksums[i] = access.checksums(id.group(), id.high(), id.low());
    int length = shape.groups().get(id.group()).blockBytes();
    desk.count(Counter.READ_BLOCKS, 1);
    desk.count(Counter.READ_BYTES, length);
    return length;
  }

  @Override
  public boolean isDone() {
    return next == copies.size();
  }

  @Override
  public void fail(RuntimeException why) {
    next = copies.size();
    desk.fail(result, why);
  }
}
