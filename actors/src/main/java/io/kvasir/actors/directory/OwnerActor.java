package io.kvasir.actors.directory;

import io.kvasir.actors.settings.DirectorySettings;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/** Drives {@link OwnerCore}: sends what the announcer queued. */
final class OwnerActor extends AbstractMatchingBehavior<OwnerActor.Command> {
  /** What it understands; never leaves the node. */
  sealed interface Command permits Heard, Seen, Wake, Due, Flush, Beat {}

  /** A copy's answer. */
  record Heard(DirectoryMessage message) implements Command {}

  /** The nodes that keep copies. */
  record Seen(List<OwnerStream.Copy> copies) implements Command {}

  /** The announcer queued something. */
  enum Wake implements Command {
    INSTANCE
  }

  /** The time to tell what the announcer queued. */
  private enum Due implements Command {
    INSTANCE
  }

  private enum Flush implements Command {
    INSTANCE
  }

  private enum Beat implements Command {
    INSTANCE
  }

  private final OwnerCore core;
  private final QueuedAnnouncer announcer;
  private final long batchDelayNs;
  private boolean flushing;

  static Behavior<Command> create(
      OwnerCore core, QueuedAnnouncer announcer, DirectorySettings settings) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new OwnerActor(context, timers, core, announcer, settings)));
  }

  private OwnerActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      OwnerCore core,
      QueuedAnnouncer announcer,
      DirectorySettings settings) {
    super(context);
    this.core = core;
    this.announcer = announcer;
    this.batchDelayNs = settings.batchDelay().toNanos();
    Duration shorter =
        settings.heartbeat().compareTo(settings.ackTimeout()) < 0
            ? settings.heartbeat()
            : settings.ackTimeout();
    timers.startTimerWithFixedDelay(Beat.INSTANCE, shorter.dividedBy(2));
  }

  @Override
  public Behavior<Command> onMessage(Command command) {
    switch (command) {
      case Heard heard -> onHeard(heard.message());
      case Seen seen -> {
        core.onView(seen.copies(), System.nanoTime());
        flush();
      }
      case Wake wake -> onWake();
      case Due due -> flush();
      case Flush flush -> onFlush();
      case Beat beat -> {
        announcer.rearm();
        again(core.tick(System.nanoTime()));
      }
    }
    return this;
  }

  private void onHeard(DirectoryMessage message) {
    long nowNs = System.nanoTime();
    switch (message) {
      case DirectoryMessage.Announced announced -> again(core.onAnnounced(announced, nowNs));
      case DirectoryMessage.Resync resync -> again(core.onResync(resync, nowNs));
      case DirectoryMessage.Widen widen -> core.onWiden(widen, nowNs);
      case DirectoryMessage.Announce announce -> {}
      case DirectoryMessage.Lookup lookup -> {}
      case DirectoryMessage.Found found -> {}
    }
  }

  /**
   * A change waits for those that follow it closely: told at once, the blocks of a load would be
   * written for every copy in the very step that the load was for. Pekko's timer would come up to
   * two of its ticks late, and a block is not found while it waits.
   */
  private void onWake() {
    ActorRef<Command> self = getContext().getSelf();
    CompletableFuture.delayedExecutor(batchDelayNs, TimeUnit.NANOSECONDS, Runnable::run)
        .execute(() -> self.tell(Due.INSTANCE));
  }

  private void onFlush() {
    flushing = false;
    announcer.rearm();
    again(core.tick(System.nanoTime()));
  }

  private void again(boolean more) {
    if (more) {
      flush();
    }
  }

  /** One flush lies in the mailbox at a time, so that answers come between. */
  private void flush() {
    if (!flushing) {
      flushing = true;
      getContext().getSelf().tell(Flush.INSTANCE);
    }
  }
}
