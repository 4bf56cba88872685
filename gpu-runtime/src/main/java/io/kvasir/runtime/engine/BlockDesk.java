package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockLoad;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.cache.BlockAccess;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.cache.LayerGroup;
import io.kvasir.runtime.cache.PinnedBlocks;
import io.kvasir.runtime.engine.EngineCounters.Counter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;

/**
 * Serves tiers and peers from an engine's cache: calls come in through a bounded queue and are
 * answered on the engine's thread, which gives a slice of its time to them between two steps.
 * Copies wait in two lines, in and out, because a request waits for what comes in and nobody for
 * what goes out.
 */
final class BlockDesk implements DeviceBlocks {
  private final KvCache cache;
  private final BlockAccess access;
  private final BlockOptions options;
  private final LongSupplier clockNs;
  private final EngineCounters counters;
  private final Runnable wake;
  private final BlockShape shape;
  private final KeyScheme keyScheme;
  private final ManyToOneConcurrentArrayQueue<Runnable> inbox;
  private final AtomicInteger openCalls = new AtomicInteger();
  private final ArrayDeque<BlockTransfer> loads = new ArrayDeque<>();
  private final ArrayDeque<BlockTransfer> reads = new ArrayDeque<>();
  private final List<Pin> pins = new ArrayList<>();
  private Thread engineThread;
  private volatile boolean pinsToEnd;

  /** Why nothing is served any more, or null. */
  private volatile String closed;

  /**
   * @param wake lets the engine's thread look; any thread
   */
  BlockDesk(KvCache cache, EngineOptions options, EngineCounters counters, Runnable wake) {
    this.cache = cache;
    this.access = cache.blocks();
    this.options = options.blocks();
    this.clockNs = options.clockNs();
    this.counters = counters;
    counters.openCalls(openCalls::get);
    this.wake = wake;
    this.shape = shapeOf(cache);
    this.keyScheme = new KeyScheme(cache.layout().slots(), cache.keyDomains());
    // Releases and listeners are not counted as calls: they find room when calls no longer do.
    this.inbox = new ManyToOneConcurrentArrayQueue<>(2 * this.options.maxCalls());
  }

  private static BlockShape shapeOf(KvCache cache) {
    List<BlockShape.Group> groups = new ArrayList<>();
    for (int g = 0; g < cache.layout().groupCount(); g++) {
      LayerGroup group = cache.layout().group(g);
      groups.add(
          new BlockShape.Group(
              Math.toIntExact(group.pageBytes()),
              group.layerCount(),
              group.window(),
              group.frame().encoding().code()));
    }
    return new BlockShape(cache.domainDigest(), cache.layout().slots(), groups);
  }

  @Override
  public BlockShape shape() {
    return shape;
  }

  @Override
  public KeyScheme keyScheme() {
    return keyScheme;
  }

  // ---- any thread ----

  @Override
  public CompletableFuture<BitSet> find(List<BlockId> ids) {
    List<BlockId> asked = List.copyOf(ids);
    return call(
        result -> {
          BitSet found = new BitSet(asked.size());
          for (int i = 0; i < asked.size(); i++) {
            BlockId id = asked.get(i);
            found.set(i, access.isCached(id.group(), id.high(), id.low()));
          }
          finish(result, found);
        });
  }

  @Override
  public CompletableFuture<BlockPin> pin(List<BlockId> ids, long ownerId, Duration ttl) {
    List<BlockId> asked = List.copyOf(ids);
    long calledNs = clockNs.getAsLong();
    return call(
        result -> {
          Pin pin = open(ownerId, calledNs, ttl);
          for (int i = 0; i < asked.size(); i++) {
            BlockId id = asked.get(i);
            pin.pinned.set(i, access.pin(pin.blocks, id.group(), id.high(), id.low()));
          }
          hand(pin, result);
        });
  }

  @Override
  public CompletableFuture<List<int[]>> read(List<BlockCopy> copies) {
    List<BlockCopy> asked = List.copyOf(copies);
    return call(result -> reads.add(new BlockRead(access, shape, asked, this, result)));
  }

  @Override
  public CompletableFuture<BlockPin> load(List<BlockLoad> asked, long ownerId, Duration ttl) {
    List<BlockLoad> copy = List.copyOf(asked);
    long calledNs = clockNs.getAsLong();
    return call(
        result -> {
          Pin pin = open(ownerId, calledNs, ttl);
          loads.add(new BlockLoading(access, shape, copy, pin, this, result));
        });
  }

  @Override
  public CompletableFuture<Integer> demote(List<BlockId> ids) {
    List<BlockId> asked = List.copyOf(ids);
    return call(
        result -> {
          int demoted = 0;
          for (BlockId id : asked) {
            demoted += access.demote(id.group(), id.high(), id.low()) ? 1 : 0;
          }
          finish(result, demoted);
        });
  }

  @Override
  public CompletableFuture<Integer> clear() {
    return call(result -> finish(result, cache.evictUnreferenced()));
  }

  @Override
  public void release(long ownerId) {
    // Without room the owner's pins end with their deadlines.
    offer(
        () -> {
          if (closed == null && access.releasePins(ownerId) > 0) {
            forgetEnded();
          }
        });
  }

  @Override
  public void listen(Listener listener) {
    Runnable attach =
        () -> {
          if (closed == null) {
            access.listen(new SafeListener(listener));
          }
        };
    if (!offer(attach)) {
      throw new IllegalStateException(
          "calls of blocks have filled their queue of "
              + inbox.capacity()
              + ", listen again later");
    }
  }

  /** Runs {@code work} on the engine's thread; it, or what it leaves behind, answers. */
  private <T> CompletableFuture<T> call(Consumer<CompletableFuture<T>> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    if (openCalls.incrementAndGet() > options.maxCalls()) {
      fail(
          result,
          new IllegalStateException(
              "calls="
                  + options.maxCalls()
                  + " (kvasir.runtime.engine.blocks.max-calls) wait for the engine, try again"
                  + " later"));
      return result;
    }
    Runnable guarded =
        () -> {
          try {
            requireOpen();
            work.accept(result);
          } catch (RuntimeException e) {
            fail(result, e);
          }
        };
    if (!offer(guarded)) {
      fail(result, new IllegalStateException("the engine's block queue is full, try again later"));
    }
    return result;
  }

  private void requireOpen() {
    if (closed != null) {
      throw new IllegalStateException(closed);
    }
  }

  private boolean offer(Runnable work) {
    boolean taken = inbox.offer(work);
    wake.run();
    if (closed != null) {
      // The engine's thread may have looked for the last time.
      answerLeftovers();
    }
    return taken;
  }

  private synchronized void answerLeftovers() {
    for (Runnable work = inbox.poll(); work != null; work = inbox.poll()) {
      work.run();
    }
  }

  // ---- engine's thread ----

  /** Answers a call; returns false when the caller has stopped waiting. */
  <T> boolean finish(CompletableFuture<T> result, T value) {
    openCalls.decrementAndGet();
    return result.complete(value);
  }

  <T> void fail(CompletableFuture<T> result, RuntimeException why) {
    openCalls.decrementAndGet();
    result.completeExceptionally(why);
  }

  /** Hands a pin over, or ends it when nobody waits for it. */
  void hand(Pin pin, CompletableFuture<BlockPin> result) {
    if (!finish(result, pin)) {
      pin.close();
    }
  }

  private Pin open(long ownerId, long calledNs, Duration ttl) {
    if (ttl.isNegative() || ttl.isZero() || ttl.compareTo(options.maxPinTtl()) > 0) {
      throw new IllegalArgumentException(
          "ttl=" + ttl + " must be above 0 and at most " + options.maxPinTtl());
    }
    Pin pin = new Pin(access.newPin(ownerId, calledNs + ttl.toNanos()));
    pins.add(pin);
    return pin;
  }

  void count(Counter counter, long amount) {
    counters.add(counter, amount);
  }

  /** One slice of what waits, and the end of pins that are due. Returns whether there was any. */
  boolean work() {
    engineThread = Thread.currentThread();
    boolean worked = endPins();
    for (Runnable call = inbox.poll(); call != null; call = inbox.poll()) {
      call.run();
      worked = true;
    }
    worked |= move(loads, options.loadBytes());
    worked |= move(reads, options.readBytes());
    if (worked) {
      counters.set(Counter.PINS, access.pinCount());
    }
    return worked;
  }

  private static boolean move(ArrayDeque<BlockTransfer> line, long bytes) {
    if (line.isEmpty()) {
      return false;
    }
    long left = bytes;
    while (left > 0 && !line.isEmpty()) {
      BlockTransfer first = line.getFirst();
      left -= first.move(left);
      if (first.isDone()) {
        line.removeFirst();
      }
    }
    return true;
  }

  private boolean endPins() {
    boolean ended = access.endOverduePins(clockNs.getAsLong()) > 0;
    if (pinsToEnd) {
      pinsToEnd = false;
      for (int i = 0; i < pins.size(); i++) {
        if (pins.get(i).closed) {
          pins.get(i).blocks.close();
        }
      }
      ended = true;
    }
    if (ended) {
      forgetEnded();
    }
    return ended;
  }

  private void forgetEnded() {
    pins.removeIf(pin -> pin.blocks.isClosed());
    counters.set(Counter.PINS, access.pinCount());
  }

  /** Ends the oldest pin because a running request needs its pages; false without pins. */
  boolean breakOldestPin() {
    boolean broken = access.breakOldestPin();
    if (broken) {
      forgetEnded();
    }
    return broken;
  }

  /** {@code longestNs}, or the time to the next deadline of a pin if that is shorter. */
  long quietNs(long longestNs) {
    long next = access.nextPinDeadlineNs();
    return next == Long.MAX_VALUE
        ? longestNs
        : Math.clamp(next - clockNs.getAsLong(), 1, longestNs);
  }

  /**
   * Answers everything that waits, and everything that comes, with an {@link
   * IllegalStateException}.
   */
  void close(String why) {
    closed = why;
    IllegalStateException failure = new IllegalStateException(why);
    loads.forEach(transfer -> transfer.fail(failure));
    reads.forEach(transfer -> transfer.fail(failure));
    loads.clear();
    reads.clear();
    pins.forEach(pin -> pin.closed = true);
    pins.clear();
    answerLeftovers();
  }

  /** A pin as its owner sees it. */
  final class Pin implements BlockPin {
    final PinnedBlocks blocks;
    final BitSet pinned = new BitSet();
    private volatile boolean closed;

    private Pin(PinnedBlocks blocks) {
      this.blocks = blocks;
    }

    @Override
    public BitSet pinned() {
      return (BitSet) pinned.clone();
    }

    @Override
    public void close() {
      if (closed) {
        return;
      }
      closed = true;
      if (Thread.currentThread() == engineThread) {
        blocks.close();
        forgetEnded();
      } else {
        pinsToEnd = true;
        wake.run();
      }
    }
  }
}
