package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockLoad;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.KeyScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** A device's cache without a device: blocks in a map, one thread for the engine's. */
final class FakeDevice implements DeviceBlocks, AutoCloseable {
  private record Block(BlockPlace place, byte[] bytes, int[] sums, AtomicInteger pins) {}

  final AtomicInteger refused = new AtomicInteger();
  final AtomicInteger pins = new AtomicInteger();
  final List<BlockId> demoted = new CopyOnWriteArrayList<>();

  /** What happens around the copy of each block that comes; the device's thread. */
  volatile Runnable beforeLoad = () -> {};

  volatile Runnable afterCopy = () -> {};

  private final BlockShape shape;
  private final int capacity;
  private final Map<BlockId, Block> blocks = new LinkedHashMap<>();
  private final ExecutorService engine =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
  private Listener listener;

  FakeDevice(BlockShape shape, int capacity) {
    this.shape = shape;
    this.capacity = capacity;
  }

  private <T> CompletableFuture<T> call(Supplier<T> work) {
    return CompletableFuture.supplyAsync(work, engine);
  }

  @Override
  public BlockShape shape() {
    return shape;
  }

  @Override
  public KeyScheme keyScheme() {
    return TestBlocks.scheme(shape);
  }

  /** Computes the blocks [from, to) of a prompt. */
  void compute(BlockKeys keys, int from, int to) {
    call(() -> {
          for (BlockPlace place : BlockPlace.of(keys, from, to)) {
            byte[] bytes = new byte[shape.groups().get(place.id().group()).blockBytes()];
            TestBlocks.fill(MemorySegment.ofArray(bytes), place.id());
            seal(place, bytes);
          }
          return null;
        })
        .join();
  }

  private boolean seal(BlockPlace place, byte[] bytes) {
    if (blocks.containsKey(place.id())) {
      return true;
    }
    if (blocks.size() >= capacity) {
      return false;
    }
    int layers = shape.groups().get(place.id().group()).layerCount();
    Arena auto = Arena.ofAuto();
    MemorySegment copy = auto.allocate(bytes.length);
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, copy, 0, bytes.length);
    int[] sums = TestBlocks.checksums(copy, layers);
    blocks.put(place.id(), new Block(place, bytes, sums, new AtomicInteger()));
    if (listener != null) {
      tell(listener, place);
    }
    return true;
  }

  private static void tell(Listener listener, BlockPlace place) {
    listener.sealed(
        place.id().group(),
        place.id().high(),
        place.id().low(),
        place.root().high(),
        place.root().low(),
        place.index());
  }

  @Override
  public CompletableFuture<BitSet> find(List<BlockId> ids) {
    return call(
        () -> {
          BitSet found = new BitSet();
          for (int i = 0; i < ids.size(); i++) {
            found.set(i, blocks.containsKey(ids.get(i)));
          }
          return found;
        });
  }

  private BlockPin pinned(List<BlockId> ids) {
    BitSet bits = new BitSet();
    List<Block> held = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      Block block = blocks.get(ids.get(i));
      if (block != null) {
        bits.set(i);
        block.pins().incrementAndGet();
        held.add(block);
      }
    }
    pins.incrementAndGet();
    return new BlockPin() {
      private boolean closed;

      @Override
      public BitSet pinned() {
        return (BitSet) bits.clone();
      }

      @Override
      public synchronized void close() {
        if (!closed) {
          closed = true;
          held.forEach(block -> block.pins().decrementAndGet());
          pins.decrementAndGet();
        }
      }
    };
  }

  @Override
  public CompletableFuture<BlockPin> pin(List<BlockId> ids, long ownerId, Duration ttl) {
    return call(() -> pinned(ids));
  }

  @Override
  public CompletableFuture<List<int[]>> read(List<BlockCopy> copies) {
    return call(
        () -> {
          List<int[]> sums = new ArrayList<>();
          for (BlockCopy copy : copies) {
            Block block = blocks.get(copy.id());
            if (block != null) {
              MemorySegment.copy(
                  MemorySegment.ofArray(block.bytes()), 0, copy.target(), 0, block.bytes().length);
            }
            sums.add(block == null ? null : block.sums());
          }
          return sums;
        });
  }

  @Override
  public CompletableFuture<BlockPin> load(List<BlockLoad> loads, long ownerId, Duration ttl) {
    return call(
        () -> {
          for (BlockLoad load : loads) {
            int layers = load.layerChecksums().length;
            beforeLoad.run();
            byte[] bytes = new byte[(int) load.source().byteSize()];
            MemorySegment copy = MemorySegment.ofArray(bytes);
            boolean granted = load.granted().getAsBoolean();
            if (granted) {
              copy.copyFrom(load.source());
            }
            afterCopy.run();
            if (granted
                && load.granted().getAsBoolean()
                && HostTier.matches(copy, load.layerChecksums(), 0, layers)) {
              seal(new BlockPlace(load.id(), load.root(), load.index()), bytes);
            } else {
              refused.incrementAndGet();
            }
          }
          return pinned(loads.stream().map(BlockLoad::id).toList());
        });
  }

  /** Whether the device has exactly the right bytes of all blocks. */
  boolean holds(BlockKeys keys, int from, int to) {
    return call(() ->
            BlockPlace.of(keys, from, to).stream()
                .allMatch(
                    place -> {
                      Block block = blocks.get(place.id());
                      return block != null
                          && TestBlocks.isBlock(MemorySegment.ofArray(block.bytes()), place.id());
                    }))
        .join();
  }

  @Override
  public CompletableFuture<Integer> demote(List<BlockId> ids) {
    return call(
        () -> {
          demoted.addAll(ids);
          return ids.size();
        });
  }

  @Override
  public void release(long ownerId) {}

  @Override
  public CompletableFuture<Integer> clear() {
    return call(
        () -> {
          List<BlockId> free =
              blocks.values().stream()
                  .filter(block -> block.pins().get() == 0)
                  .map(block -> block.place().id())
                  .toList();
          free.forEach(
              id -> {
                blocks.remove(id);
                listener.evicted(id.group(), id.high(), id.low());
              });
          return free.size();
        });
  }

  @Override
  public void listen(Listener next) {
    engine.execute(
        () -> {
          listener = next;
          blocks.values().forEach(block -> tell(next, block.place()));
        });
  }

  @Override
  public void close() {
    engine.shutdown();
  }
}
