package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockLoad;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.cache.BlockAccess;
import io.kvasir.runtime.engine.EngineCounters.Counter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Blocks on their way in. A slice first enqueues its copies, then proves and seals them one by one,
 * so that a device with a queue of its own copies while nothing waits. What does not prove itself
 * is refused and counted; the others stay.
 */
final class BlockLoading implements BlockTransfer {
  private final BlockAccess access;
  private final BlockShape shape;
  private final List<BlockLoad> loads;
  private final BlockDesk.Pin pin;
  private final BlockDesk desk;
  private final CompletableFuture<BlockPin> result;
  private long[] staged = new long[16];
  private int[] place = new int[16];
  private int stagedCount;
  private int next;

  BlockLoading(
      BlockAccess access,
      BlockShape shape,
      List<BlockLoad> loads,
      BlockDesk.Pin pin,
      BlockDesk desk,
      CompletableFuture<BlockPin> result) {
    this.access = access;
    this.shape = shape;
    this.loads = loads;
    this.pin = pin;
    this.desk = desk;
    this.result = result;
  }

  @Override
  public long move(long bytes) {
    if (pin.blocks.isClosed()) {
      fail(
          new IllegalStateException(
              "the pin of a load ended after "
                  + next
                  + " of "
                  + loads.size()
                  + " blocks: its time was over, its owner was released, or running requests needed"
                  + " the memory"));
      return 0;
    }
    long moved = 0;
    try {
      while (next < loads.size() && moved < bytes && !result.isDone()) {
        moved += take(next++);
      }
      sealStaged();
    } catch (RuntimeException e) {
      fail(e);
      return moved;
    } catch (InternalError fault) {
      // A mapped file was cut short under a source.
      fail(new IllegalStateException("the memory of a load's source is gone", fault));
      return moved;
    } finally {
      discardStaged();
    }
    if (result.isDone() || next == loads.size()) {
      next = loads.size();
      desk.hand(pin, result);
    }
    return moved;
  }

  private long take(int i) {
    BlockLoad load = loads.get(i);
    BlockId id = load.id();
    if (!isWellFormed(load)) {
      desk.count(Counter.REFUSED_BLOCKS, 1);
      return 0;
    }
    if (access.pin(pin.blocks, id.group(), id.high(), id.low())) {
      pin.pinned.set(i);
      return 0;
    }
    if (!load.granted().getAsBoolean()) {
      desk.count(Counter.REFUSED_BLOCKS, 1);
      return 0;
    }
    long handle = access.stage(id.group(), load.source());
    if (handle == 0) {
      // Without pages the rest stays out: a chain with a gap is of no use.
      next = loads.size();
      return 0;
    }
    if (stagedCount == staged.length) {
      staged = Arrays.copyOf(staged, 2 * stagedCount);
      place = Arrays.copyOf(place, 2 * stagedCount);
    }
    staged[stagedCount] = handle;
    place[stagedCount++] = i;
    return load.source().byteSize();
  }

  private boolean isWellFormed(BlockLoad load) {
    int g = load.id().group();
    return g >= 0
        && g < shape.groups().size()
        && load.index() >= 0
        && load.source().byteSize() == shape.groups().get(g).blockBytes()
        && load.layerChecksums().length == shape.groups().get(g).layerCount();
  }

  private void sealStaged() {
    for (int s = 0; s < stagedCount; s++) {
      BlockLoad load = loads.get(place[s]);
      BlockId id = load.id();
      boolean proven =
          access.seal(
              pin.blocks,
              staged[s],
              id.group(),
              id.high(),
              id.low(),
              load.root().high(),
              load.root().low(),
              load.index(),
              load.layerChecksums(),
              load.granted());
      staged[s] = 0;
      pin.pinned.set(place[s], proven);
      desk.count(proven ? Counter.LOADED_BLOCKS : Counter.REFUSED_BLOCKS, 1);
      desk.count(Counter.LOADED_BYTES, proven ? load.source().byteSize() : 0);
    }
    stagedCount = 0;
  }

  private void discardStaged() {
    for (int s = 0; s < stagedCount; s++) {
      if (staged[s] != 0) {
        access.discard(staged[s]);
      }
    }
    stagedCount = 0;
  }

  @Override
  public boolean isDone() {
    return next == loads.size();
  }

  @Override
  public void fail(RuntimeException why) {
    next = loads.size();
    pin.close();
    desk.fail(result, why);
  }
}
