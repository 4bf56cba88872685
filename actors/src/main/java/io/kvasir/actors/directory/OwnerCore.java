package io.kvasir.actors.directory;

import io.kvasir.actors.directory.OwnerStream.Copy;
import io.kvasir.actors.settings.DirectorySettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * Rules of an owner: sends each change to the copies that keep its chain, moves chains when the
 * copies change, and begins a copy anew where changes came faster than they could be sent. Events
 * in, messages out, no clock of its own; one thread. The own set and the queue of changes are fed
 * by others beside it.
 */
final class OwnerCore {
  private static final int DRAIN_LIMIT = 8192;
  private static final int MAX_HOT = 1024;
  private static final long HOT_HOLD_NS = 60_000_000_000L;
  private static final long HOT_INTERVAL_NS = 2_000_000_000L;

  /** A block whose tiers may have changed. */
  record Change(long high, long low, long root) {}

  /** What the own set's owner has noted since the last time. */
  interface Notes {
    /** Tiers that were cleared, as bits; resets them. */
    int takeCleared();

    /** Whether changes were lost; resets it. */
    boolean takeOverflow();
  }

  private record Hot(int copies, long untilNs) {}

  private final CopyCore.Life self;
  private final DirectorySettings settings;
  private final OwnSet own;
  private final Queue<Change> changes;
  private final Notes notes;
  private final OwnerStream.Out out;
  private final Map<Long, OwnerStream> streams = new HashMap<>();
  private final Map<Long, Hot> hot = new HashMap<>();

  private Placement placement = Placement.NOWHERE;
  private Placement previous = Placement.NOWHERE;
  private long[] copyIds = new long[0];
  private long lastStream;
  private long hotAppliedNs;
  private volatile long resyncs;
  private ActorRef<DirectoryMessage> replyTo;

  OwnerCore(
      CopyCore.Life self,
      DirectorySettings settings,
      OwnSet own,
      Queue<Change> changes,
      Notes notes,
      OwnerStream.Out out,
      long nowNs) {
    this.self = self;
    this.settings = settings;
    this.own = own;
    this.changes = changes;
    this.notes = notes;
    this.out = out;
    this.hotAppliedNs = nowNs;
    // Answers to streams of another life must not fit one of this.
    this.lastStream = Mix.mix64(self.incarnation()) >>> 8;
  }

  /** Where copies answer; before the first view. */
  void replyTo(ActorRef<DirectoryMessage> ref) {
    replyTo = ref;
  }

  /** Snapshots begun, the first of each copy included. */
  long resyncs() {
    return resyncs;
  }

  /** Whether every copy has acknowledged everything. */
  boolean isSettled() {
    return changes.isEmpty() && streams.values().stream().allMatch(OwnerStream::isSettled);
  }

  /** The nodes that keep copies changed. */
  void onView(List<Copy> copies, long nowNs) {
    Map<Long, Copy> now = new HashMap<>();
    copies.forEach(copy -> now.put(copy.nodeId(), copy));
    streams.values().removeIf(stream -> !stream.copy().equals(now.get(stream.copy().nodeId())));
    copyIds = now.keySet().stream().mapToLong(Long::longValue).sorted().toArray();
    place(nowNs);
    for (Copy copy : copies) {
      if (!streams.containsKey(copy.nodeId())) {
        OwnerStream stream = new OwnerStream(copy, self, replyTo, settings, own, out);
        streams.put(copy.nodeId(), stream);
        restart(stream, 0, nowNs);
      }
    }
  }

  /** A copy has applied slices. */
  boolean onAnnounced(DirectoryMessage.Announced m, long nowNs) {
    OwnerStream stream = streams.get(m.nodeId());
    if (stream == null || stream.copy().incarnation() != m.incarnation()) {
      return false;
    }
    stream.onAnnounced(m.stream(), m.next(), nowNs);
    return stream.pump(nowNs, false);
  }

  /** A copy needs a snapshot. */
  boolean onResync(DirectoryMessage.Resync m, long nowNs) {
    OwnerStream stream = streams.get(m.nodeId());
    if (stream == null
        || stream.copy().incarnation() != m.incarnation()
        || stream.stream() != m.stream()) {
      return false;
    }
    restart(stream, 0, nowNs);
    return stream.pump(nowNs, true);
  }

  /** Roots shall have more copies. */
  void onWiden(DirectoryMessage.Widen m, long nowNs) {
    for (long root : m.roots()) {
      if (hot.containsKey(root) || hot.size() < MAX_HOT) {
        int copies = Math.clamp(m.copies(), settings.copies(), settings.hotCopies());
        hot.put(root, new Hot(copies, nowNs + HOT_HOLD_NS));
      }
    }
  }

  /**
   * Sends what is due.
   *
   * @return whether there is more to do at once
   */
  boolean tick(long nowNs) {
    int cleared = notes.takeCleared();
    boolean overflow = notes.takeOverflow();
    boolean moving = isMoving();
    boolean more = drain(DRAIN_LIMIT, nowNs);
    if (!moving && !more) {
      // All changes made before the last move ended have been handed on by now.
      previous = placement;
    }
    if (cleared != 0 || overflow) {
      streams.values().forEach(stream -> restart(stream, cleared, nowNs));
    }
    applyHot(nowNs);
    for (OwnerStream stream : streams.values()) {
      more |= stream.pump(nowNs, true);
    }
    return more;
  }

  /** Hands noted changes to the streams; true when there are more. */
  private boolean drain(int limit, long nowNs) {
    for (int i = 0; i < limit; i++) {
      Change change = changes.poll();
      if (change == null) {
        return false;
      }
      // A block that left while its chain moved is still known where the chain was.
      offer(placement, change, nowNs);
      if (previous != placement) {
        offer(previous, change, nowNs);
      }
    }
    return true;
  }

  private void offer(Placement where, Change change, long nowNs) {
    for (long nodeId : where.places(change.root())) {
      OwnerStream stream = streams.get(nodeId);
      if (stream != null && !stream.offer(change.high(), change.low(), change.root())) {
        restart(stream, 0, nowNs);
      }
    }
  }

  /** Makes a new placement of the copies and hot roots in force. */
  private void place(long nowNs) {
    Map<Long, Integer> copiesOfHot = new HashMap<>();
    hot.forEach((root, h) -> copiesOfHot.put(root, h.copies()));
    Placement next = new Placement(copyIds, settings.copies(), copiesOfHot);
    if (next.view() == placement.view() && next.hot().equals(placement.hot())) {
      return;
    }
    drain(settings.queueEntries(), nowNs);
    previous = placement;
    placement = next;
    for (OwnerStream stream : streams.values()) {
      if (stream.isScanning()) {
        restart(stream, 0, nowNs);
      } else {
        stream.move(previous, placement);
      }
    }
  }

  /** Hot roots change seldom, and never while blocks move: an interrupted move is a snapshot. */
  private void applyHot(long nowNs) {
    if (nowNs - hotAppliedNs < HOT_INTERVAL_NS) {
      return;
    }
    hotAppliedNs = nowNs;
    hot.values().removeIf(h -> nowNs - h.untilNs() >= 0);
    if (!isMoving()) {
      place(nowNs);
    }
  }

  private boolean isMoving() {
    return streams.values().stream().anyMatch(OwnerStream::isScanning);
  }

  private void restart(OwnerStream stream, int cleared, long nowNs) {
    resyncs = resyncs + 1;
    stream.restart(++lastStream, cleared, placement, nowNs);
  }
}
