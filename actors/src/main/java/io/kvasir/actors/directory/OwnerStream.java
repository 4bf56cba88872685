package io.kvasir.actors.directory;

import io.kvasir.actors.directory.DirectoryMessage.Announce;
import io.kvasir.actors.settings.DirectorySettings;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What one copy is told by this node: a snapshot, then changes, in numbered slices of which a
 * bounded number is under way; those not acknowledged in time are sent again. A slice says what is
 * true when it is made, so changes of one block coalesce, and sending one twice does no harm. One
 * thread.
 */
final class OwnerStream {
  private static final int SCAN_LIMIT = 16_384;
  private static final int MAX_PENDING = 16_384;
  private static final int PENDING_LONGS = 3;
  private static final long MAX_BACKOFF = 8;

  /** Heartbeats of a stream that has long said nothing else come so many times more seldom. */
  private static final long MAX_QUIET = 8;

  /**
   * A life of a node that keeps a copy.
   *
   * @param ref its part of the directory; opaque here
   */
  record Copy(long nodeId, long incarnation, ActorRef<DirectoryMessage> ref) {}

  /** Where slices go. */
  @FunctionalInterface
  interface Out {
    void send(Copy to, DirectoryMessage message);
  }

  private final Copy copy;
  private final CopyCore.Life self;
  private final ActorRef<DirectoryMessage> replyTo;
  private final DirectorySettings settings;
  private final OwnSet own;
  private final Out out;
  private final Deque<Announce> unacked = new ArrayDeque<>();

  private long stream;
  private long nextSeq;
  private int clearedTiers;
  private Placement placement;

  /** Where blocks were before: only those that moved are told; null in a snapshot. */
  private Placement moved;

  private OwnSet.Cursor cursor;
  private boolean snapshot;
  private long toldView;
  private long lastSentNs;
  private long progressNs;
  private long backoff = 1;
  private long quiet = 1;

  private long[] pending = new long[64 * PENDING_LONGS];
  private int pendingFrom;
  private int pendingCount;

  private final long[] keys;
  private final byte[] tiers;
  private int filled;

  OwnerStream(
      Copy copy,
      CopyCore.Life self,
      ActorRef<DirectoryMessage> replyTo,
      DirectorySettings settings,
      OwnSet own,
      Out out) {
    this.copy = copy;
    this.self = self;
    this.replyTo = replyTo;
    this.settings = settings;
    this.own = own;
    this.out = out;
    this.keys = new long[2 * settings.batchEntries()];
    this.tiers = new byte[settings.batchEntries()];
  }

  Copy copy() {
    return copy;
  }

  long stream() {
    return stream;
  }

  /** Whether blocks are still to be told from the own set. */
  boolean isScanning() {
    return cursor != null;
  }

  /** Whether the copy has acknowledged everything for the present placement. */
  boolean isSettled() {
    return cursor == null && pendingCount == 0 && unacked.isEmpty() && toldView == placement.view();
  }

  /**
   * Begins anew with a snapshot.
   *
   * @param number of the stream, higher than any before
   * @param cleared tiers of which the copy must forget everything at once
   */
  void restart(long number, int cleared, Placement now, long nowNs) {
    stream = number;
    nextSeq = 0;
    clearedTiers |= cleared;
    placement = now;
    moved = null;
    cursor = new OwnSet.Cursor();
    snapshot = true;
    toldView = 0;
    unacked.clear();
    pendingCount = 0;
    backoff = 1;
    progressNs = nowNs;
  }

  /** Blocks move; only possible while no scan is in progress. */
  void move(Placement from, Placement to) {
    moved = from;
    placement = to;
    cursor = new OwnSet.Cursor();
  }

  /** Notes a change; false when there are too many and a snapshot is due. */
  boolean offer(long high, long low, long root) {
    if (pendingCount == MAX_PENDING) {
      return false;
    }
    if (pendingCount * PENDING_LONGS == pending.length) {
      int from = pendingFrom * PENDING_LONGS;
      long[] larger = new long[2 * pending.length];
      System.arraycopy(pending, from, larger, 0, pending.length - from);
      System.arraycopy(pending, 0, larger, pending.length - from, from);
      pending = larger;
      pendingFrom = 0;
    }
    int at = at(pendingCount++);
    pending[at] = high;
    pending[at + 1] = low;
    pending[at + 2] = root;
    return true;
  }

  /** The copy has applied everything before {@code next}. */
  void onAnnounced(long ofStream, long next, long nowNs) {
    if (ofStream != stream || next > nextSeq || unacked.isEmpty()) {
      return;
    }
    boolean progress = false;
    while (!unacked.isEmpty() && unacked.peekFirst().seq() < next) {
      progress = true;
      if (unacked.pollFirst().seq() == 0) {
        clearedTiers = 0;
      }
    }
    if (progress) {
      progressNs = nowNs;
      backoff = 1;
    }
  }

  /**
   * Sends what there is and what is due.
   *
   * @param flush also a slice that is not full
   * @return whether there is more to do at once
   */
  boolean pump(long nowNs, boolean flush) {
    repeatIfDue(nowNs);
    while (unacked.size() < settings.window()) {
      boolean scanned = fill(flush);
      boolean end = scanned && cursor.atEnd();
      boolean ended = end && snapshot;
      if (end) {
        cursor = null;
        moved = null;
        snapshot = false;
      }
      long view = cursor == null ? placement.view() : 0;
      boolean due =
          nowNs - lastSentNs >= settings.heartbeat().toNanos() * quiet && unacked.isEmpty();
      boolean news = filled > 0 || ended || nextSeq == 0 || view != toldView;
      if (!news && !due) {
        return cursor != null;
      }
      quiet = news ? 1 : Math.min(2 * quiet, MAX_QUIET);
      send(ended, view, nowNs);
    }
    return false;
  }

  private void repeatIfDue(long nowNs) {
    if (!unacked.isEmpty() && nowNs - progressNs >= settings.ackTimeout().toNanos() * backoff) {
      unacked.forEach(slice -> out.send(copy, slice));
      progressNs = nowNs;
      backoff = Math.min(2 * backoff, MAX_BACKOFF);
    }
  }

  /** Fills a slice; true when it took from the scan. */
  private boolean fill(boolean flush) {
    filled = 0;
    if (flush || cursor != null || pendingCount >= tiers.length) {
      while (pendingCount > 0 && filled < tiers.length) {
        int at = at(0);
        boolean kept = placement.keeps(copy.nodeId(), pending[at + 2]);
        put(pending[at], pending[at + 1], kept ? own.tiers(pending[at], pending[at + 1]) : 0);
        pendingFrom = (pendingFrom + 1) % (pending.length / PENDING_LONGS);
        pendingCount--;
      }
    }
    if (cursor == null || filled == tiers.length) {
      return false;
    }
    own.scan(cursor, SCAN_LIMIT, this::visit);
    return true;
  }

  private boolean visit(long high, long low, long root, int held) {
    boolean kept = placement.keeps(copy.nodeId(), root);
    boolean before = moved != null && moved.keeps(copy.nodeId(), root);
    if (kept != before) {
      put(high, low, kept ? held : 0);
    }
    return filled < tiers.length;
  }

  private void put(long high, long low, int held) {
    keys[2 * filled] = high;
    keys[2 * filled + 1] = low;
    tiers[filled++] = (byte) held;
  }

  private void send(boolean end, long view, long nowNs) {
    Announce slice =
        new Announce(
            self.nodeId(),
            self.incarnation(),
            stream,
            nextSeq,
            end,
            nextSeq == 0 ? clearedTiers : 0,
            view,
            Arrays.copyOf(keys, 2 * filled),
            Arrays.copyOf(tiers, filled),
            replyTo);
    nextSeq++;
    if (unacked.isEmpty()) {
      progressNs = nowNs;
    }
    unacked.addLast(slice);
    toldView = view;
    lastSentNs = nowNs;
    out.send(copy, slice);
  }

  private int at(int index) {
    return (pendingFrom + index) % (pending.length / PENDING_LONGS) * PENDING_LONGS;
  }
}
