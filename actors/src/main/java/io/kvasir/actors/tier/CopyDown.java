package io.kvasir.actors.tier;

import io.kvasir.actors.directory.Announcer;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;

/**
 * Tells the directory what the device holds and copies new blocks down to the host tier, a while
 * after the first of them came and a batch at a time, so that the device does little of it between
 * two steps. Best effort: what comes faster than it can be copied is left out and counted; once the
 * queue is empty the device is asked to tell everything again. Events come on the device's thread,
 * copies are driven by the executor.
 */
final class CopyDown implements DeviceBlocks.Listener {
  private static final int SEEN = 1 << 16;

  private final DeviceBlocks device;
  private final HostTier host;
  private final Announcer announcer;
  private final TierSettings settings;
  private final Executor executor;
  private final ManyToOneConcurrentArrayQueue<BlockPlace> queue;
  // Low halves of keys that were sealed once, by their hash; the device's thread only.
  private final long[] seen;
  private final AtomicBoolean running = new AtomicBoolean();
  private final AtomicBoolean missed = new AtomicBoolean();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong copied = new AtomicLong();
  private final AtomicLong relistens = new AtomicLong();
  private volatile boolean closed;

  CopyDown(
      DeviceBlocks device,
      HostTier host,
      Announcer announcer,
      TierSettings settings,
      Executor executor) {
    this.device = device;
    this.host = host;
    this.announcer = announcer;
    this.settings = settings;
    this.executor = executor;
    this.queue = new ManyToOneConcurrentArrayQueue<>(settings.copyQueueBlocks());
    this.seen =
        settings.copyDown() == TierSettings.CopyDown.SECOND_TOUCH ? new long[SEEN] : new long[0];
  }

  void start() {
    device.listen(this);
  }

  @Override
  public void sealed(int group, long high, long low, long rootHigh, long rootLow, int index) {
    if (closed) {
      return;
    }
    announcer.added(Residence.DEVICE, group, high, low, rootHigh, rootLow, index);
    if (!wanted(group, high, low)) {
      return;
    }
    BlockPlace place =
        new BlockPlace(new BlockId(group, high, low), new BlockId(0, rootHigh, rootLow), index);
    if (!queue.offer(place)) {
      dropped.incrementAndGet();
      missed.set(true);
    }
    wake();
  }

  private boolean wanted(int group, long high, long low) {
    return switch (settings.copyDown()) {
      case ALWAYS -> true;
      case OFF -> false;
      case SECOND_TOUCH -> {
        int at = (int) ((high ^ low ^ group) * 0x9E3779B97F4A7C15L >>> 48) & (SEEN - 1);
        boolean again = seen[at] == low;
        seen[at] = low;
        yield again;
      }
    };
  }

  @Override
  public void evicted(int group, long high, long low) {
    if (!closed) {
      announcer.removed(Residence.DEVICE, group, high, low);
    }
  }

  private void wake() {
    if (running.compareAndSet(false, true)) {
      CompletableFuture.delayedExecutor(
              settings.copyDelay().toNanos(), TimeUnit.NANOSECONDS, this::run)
          .execute(this::copy);
    }
  }

  private void run(Runnable work) {
    try {
      executor.execute(work);
    } catch (RejectedExecutionException stopping) {
      closed = true;
    }
  }

  private void copy() {
    List<BlockPlace> batch = new ArrayList<>();
    while (!closed && batch.size() < settings.copyBatchBlocks()) {
      BlockPlace next = queue.poll();
      if (next == null) {
        break;
      }
      batch.add(next);
    }
    if (batch.isEmpty()) {
      rest();
      return;
    }
    copied.addAndGet(batch.size());
    Lender.copyDown(host, device, batch).whenComplete((done, failure) -> run(this::copy));
  }

  private void rest() {
    running.set(false);
    if (closed) {
      return;
    }
    if (!queue.isEmpty()) {
      wake();
    } else if (missed.compareAndSet(true, false)) {
      CompletableFuture.delayedExecutor(
              settings.relistenInterval().toNanos(), TimeUnit.NANOSECONDS, this::run)
          .execute(
              () -> {
                if (!closed) {
                  relistens.incrementAndGet();
                  device.listen(this);
                }
              });
    }
  }

  /** Copies a chain down now, as far as the device has it; completes when that is done. */
  CompletableFuture<Void> demote(List<BlockPlace> chain) {
    return Lender.copyDown(host, device, chain);
  }

  /** Forgets what waits for its copy. */
  void forget() {
    queue.drain(place -> {});
  }

  /** Blocks left out because the queue was full. */
  long droppedCount() {
    return dropped.get();
  }

  /** Blocks whose copy was begun. */
  long copiedCount() {
    return copied.get();
  }

  long relistenCount() {
    return relistens.get();
  }

  /** Blocks that wait. */
  int queued() {
    return queue.size();
  }

  /** Copies nothing more. */
  void close() {
    closed = true;
  }
}
