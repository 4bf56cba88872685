package io.kvasir.actors.directory;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/** Drives {@link CopyCore}: the only writer of this node's copy. */
final class KeeperActor extends AbstractMatchingBehavior<KeeperActor.Command> {
  private static final Duration INTERVAL = Duration.ofSeconds(1);
  private static final int SWEEP_ENTRIES = 2048;

  /** What it understands; never leaves the node. */
  sealed interface Command permits Heard, Seen, Tick, Sweep {}

  /** An owner's slice. */
  record Heard(DirectoryMessage.Announce announce) implements Command {}

  /** The reachable nodes. */
  record Seen(Map<Long, Long> lives, Set<Long> announcing, Placement placement)
      implements Command {}

  private enum Tick implements Command {
    INSTANCE
  }

  private enum Sweep implements Command {
    INSTANCE
  }

  private final CopyCore core;
  private final DirectoryTable table;
  private boolean sweeping;

  static Behavior<Command> create(CopyCore core, DirectoryTable table) {
    return Behaviors.setup(
        context -> Behaviors.withTimers(timers -> new KeeperActor(context, timers, core, table)));
  }

  private KeeperActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      CopyCore core,
      DirectoryTable table) {
    super(context);
    this.core = core;
    this.table = table;
    timers.startTimerWithFixedDelay(Tick.INSTANCE, INTERVAL);
  }

  @Override
  public Behavior<Command> onMessage(Command command) {
    switch (command) {
      case Heard heard -> core.onAnnounce(heard.announce(), System.nanoTime());
      case Seen seen ->
          core.onView(seen.lives(), seen.announcing(), seen.placement(), System.nanoTime());
      case Tick tick -> onTick();
      case Sweep sweep -> onSweep();
    }
    sweepOn();
    return this;
  }

  private void onTick() {
    long nowNs = System.nanoTime();
    core.tick(nowNs);
    core.endInterval(nowNs);
  }

  private void onSweep() {
    sweeping = false;
    table.sweep(SWEEP_ENTRIES);
  }

  /** One slice lies in the mailbox at a time, so that announcements come between. */
  private void sweepOn() {
    if (!sweeping && table.needsSweep()) {
      sweeping = true;
      getContext().getSelf().tell(Sweep.INSTANCE);
    }
  }
}
