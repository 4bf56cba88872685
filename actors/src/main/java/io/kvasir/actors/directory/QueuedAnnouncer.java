package io.kvasir.actors.directory;

import io.kvasir.actors.directory.OwnerCore.Change;
import io.kvasir.runtime.blocks.Residence;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;

/**
 * The {@link Announcer}: writes the own set at once and queues what changed. A full queue loses
 * nothing: the own set knows the truth, and the copies get a snapshot of it.
 */
final class QueuedAnnouncer implements Announcer, OwnerCore.Notes {
  private final ManyToOneConcurrentArrayQueue<Change> changes;
  private final OwnSet own;
  private final AtomicBoolean awake = new AtomicBoolean();
  private final AtomicBoolean overflow = new AtomicBoolean();
  private final AtomicInteger cleared = new AtomicInteger();
  private volatile Runnable wake = () -> {};

  QueuedAnnouncer(int queueEntries, int maxOwnEntries) {
    this.changes = new ManyToOneConcurrentArrayQueue<>(queueEntries);
    this.own = new OwnSet(maxOwnEntries, this::changed);
  }

  /** What is called, by any thread, when there is something to send; once until {@link #rearm}. */
  void wakeBy(Runnable action) {
    wake = action;
  }

  OwnSet own() {
    return own;
  }

  Queue<Change> changes() {
    return changes;
  }

  /** What comes from here on wakes again. */
  void rearm() {
    awake.set(false);
  }

  @Override
  public void added(
      Residence tier, int group, long high, long low, long rootHigh, long rootLow, int index) {
    own.add(Mix.inGroup(group, high), low, Mix.root(rootHigh, rootLow), tier(tier));
  }

  @Override
  public void removed(Residence tier, int group, long high, long low) {
    own.remove(Mix.inGroup(group, high), low, tier(tier));
  }

  @Override
  public void cleared(Residence tier) {
    own.clear(tier(tier));
    cleared.accumulateAndGet(1 << tier(tier), (a, b) -> a | b);
    wake();
  }

  @Override
  public int takeCleared() {
    return cleared.getAndSet(0);
  }

  @Override
  public boolean takeOverflow() {
    return overflow.getAndSet(false);
  }

  private void changed(long high, long low, long root) {
    if (!changes.offer(new Change(high, low, root))) {
      overflow.set(true);
    }
    wake();
  }

  private void wake() {
    if (!awake.get() && awake.compareAndSet(false, true)) {
      wake.run();
    }
  }

  private static int tier(Residence tier) {
    if (tier.ordinal() >= Hits.TIERS) {
      throw new IllegalArgumentException(
          "tier=" + tier + " is not a tier of a node; announce DEVICE, HOST or DISK");
    }
    return tier.ordinal();
  }
}
