package io.kvasir.actors.directory;

import io.kvasir.actors.directory.DirectoryMessage.Announce;
import io.kvasir.actors.directory.DirectoryMessage.Announced;
import io.kvasir.actors.directory.DirectoryMessage.Resync;
import io.kvasir.actors.directory.DirectoryMessage.Widen;
import io.kvasir.actors.settings.DirectorySettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * Rules of one copy: applies the owners' streams in order, asks for a snapshot where it cannot
 * follow, and drops what belongs to a life that is over. Events in, messages out, no clock of its
 * own; one thread. Lookups read the table beside it.
 */
final class CopyCore {
  private static final int MAX_DEAD_LIVES = 1024;

  /** Roots that have more copies at a time. */
  static final int MAX_HOT = 1024;

  private static final long HOT_HOLD_NS = 30_000_000_000L;
  private static final long HOT_REPEAT_NS = 10_000_000_000L;

  /** Where messages to owners go. */
  @FunctionalInterface
  interface Out {
    void send(long nodeId, ActorRef<DirectoryMessage> to, DirectoryMessage message);
  }

  /** One life of a node. */
  record Life(long nodeId, long incarnation) {}

  /** The stream of an owner's present life. */
  private static final class Feed {
    private final Owner owner;
    private long stream;
    private long next;
    private long view;
    private long leftAtNs;
    private ActorRef<DirectoryMessage> replyTo;

    Feed(Owner owner) {
      this.owner = owner;
    }
  }

  private record Hot(long sinceNs, long toldNs) {}

  private final Life self;
  private final DirectorySettings settings;
  private final CopyTable copy;
  private final DirectoryTable table;
  private final Out out;
  private final Map<Long, Feed> feeds = new HashMap<>();
  private final Map<Life, Boolean> dead =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Life, Boolean> eldest) {
          return size() > MAX_DEAD_LIVES;
        }
      };
  private final Map<Long, Hot> hot = new HashMap<>();
  private Map<Long, Long> reachable = Map.of();
  private Set<Long> owners = Set.of();
  private volatile long refusedMessages;
  private volatile long resyncs;

  CopyCore(Life self, DirectorySettings settings, CopyTable copy, Out out) {
    this.self = self;
    this.settings = settings;
    this.copy = copy;
    this.table = copy.table();
    this.out = out;
  }

  /** Announcements that were malformed or of a life that is over. */
  long refusedMessages() {
    return refusedMessages;
  }

  /** Snapshots asked for. */
  long resyncs() {
    return resyncs;
  }

  /**
   * The reachable nodes changed.
   *
   * @param lives incarnation by node id
   * @param announcing ids of those that announce blocks
   */
  void onView(Map<Long, Long> lives, Set<Long> announcing, Placement placement, long nowNs) {
    reachable = Map.copyOf(lives);
    owners = Set.copyOf(announcing);
    for (Feed feed : List.copyOf(feeds.values())) {
      Long life = reachable.get(feed.owner.nodeId());
      if (life == null) {
        if (!feed.owner.isHidden()) {
          feed.leftAtNs = nowNs;
        }
        feed.owner.hide(true);
      } else if (life == feed.owner.incarnation()) {
        feed.owner.hide(false);
      } else {
        end(feed);
      }
    }
    reachable.forEach((node, life) -> dead.remove(new Life(node, life)));
    copy.placement(placement);
    judgeCompleteness();
  }

  /** A slice of an owner's stream. */
  void onAnnounce(Announce a, long nowNs) {
    Feed feed = a.isWellFormed() ? feed(a, nowNs) : null;
    if (feed == null) {
      refusedMessages = refusedMessages + 1;
      return;
    }
    feed.replyTo = a.replyTo();
    if (a.stream() != feed.stream) {
      if (a.stream() < feed.stream) {
        return;
      }
      if (a.seq() != 0) {
        resyncs = resyncs + 1;
        send(feed, new Resync(self.nodeId(), self.incarnation(), a.stream()));
        return;
      }
      feed.stream = a.stream();
      feed.next = 0;
      table.begin(feed.owner, a.clearedTiers());
    }
    if (a.seq() == feed.next) {
      apply(feed, a);
    }
    send(feed, new Announced(self.nodeId(), self.incarnation(), feed.stream, feed.next));
  }

  /** Time has passed. */
  void tick(long nowNs) {
    for (Feed feed : List.copyOf(feeds.values())) {
      if (feed.owner.isHidden()
          && !reachable.containsKey(feed.owner.nodeId())
          && nowNs - feed.leftAtNs >= settings.leaveGrace().toNanos()) {
        table.doom(feed.owner);
        feeds.remove(feed.owner.nodeId());
      }
    }
  }

  /** A second of lookups has been counted. */
  void endInterval(long nowNs) {
    hot.values().removeIf(h -> nowNs - h.sinceNs() > HOT_HOLD_NS);
    List<Long> told = new ArrayList<>();
    for (long root : copy.hotRoots().endInterval()) {
      Hot known = hot.get(root);
      boolean tell = known == null || nowNs - known.toldNs() > HOT_REPEAT_NS;
      if (known != null || hot.size() < MAX_HOT) {
        hot.put(root, new Hot(nowNs, tell ? nowNs : known.toldNs()));
        if (tell) {
          told.add(root);
        }
      }
    }
    if (!told.isEmpty()) {
      long[] roots = told.stream().mapToLong(Long::longValue).toArray();
      Widen widen = new Widen(self.nodeId(), settings.hotCopies(), roots);
      feeds.values().forEach(feed -> send(feed, widen));
    }
    copy.hot(hot.keySet());
  }

  private void apply(Feed feed, Announce a) {
    feed.next++;
    for (int i = 0; i < a.tiers().length; i++) {
      table.put(feed.owner, a.keys()[2 * i], a.keys()[2 * i + 1], a.tiers()[i] & Hits.ALL);
    }
    if (a.end()) {
      table.end(feed.owner);
    }
    if (a.view() != feed.view) {
      feed.view = a.view();
      judgeCompleteness();
    }
  }

  /** The feed of the announcing life, which ends the node's former one; null for a dead life. */
  private Feed feed(Announce a, long nowNs) {
    Feed feed = feeds.get(a.nodeId());
    if (feed != null && feed.owner.incarnation() == a.incarnation()) {
      return feed;
    }
    Life life = new Life(a.nodeId(), a.incarnation());
    Long seen = reachable.get(a.nodeId());
    boolean current = seen != null && seen == a.incarnation();
    if (!current && dead.containsKey(life)) {
      return null;
    }
    Owner owner = table.addOwner(a.nodeId(), a.incarnation());
    if (owner == null) {
      return null;
    }
    if (feed != null) {
      end(feed);
    }
    owner.hide(!current);
    Feed fresh = new Feed(owner);
    fresh.leftAtNs = nowNs;
    feeds.put(a.nodeId(), fresh);
    judgeCompleteness();
    return fresh;
  }

  /** Another life of the node has begun. */
  private void end(Feed feed) {
    table.doom(feed.owner);
    feeds.remove(feed.owner.nodeId());
    dead.put(new Life(feed.owner.nodeId(), feed.owner.incarnation()), true);
  }

  private void judgeCompleteness() {
    long view = copy.placement().view();
    boolean complete = true;
    for (long owner : owners) {
      Feed feed = feeds.get(owner);
      complete &= feed != null && feed.view == view && !feed.owner.isHidden();
    }
    copy.complete(complete);
  }

  private void send(Feed feed, DirectoryMessage message) {
    out.send(feed.owner.nodeId(), feed.replyTo, message);
  }
}
