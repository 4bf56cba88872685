package io.kvasir.actors.directory;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.DirectoryMessage.Found;
import io.kvasir.actors.directory.DirectoryMessage.Held;
import io.kvasir.actors.directory.DirectoryMessage.Lookup;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * The {@link Directory}: this node's own copy answers on the caller's thread; otherwise the copy
 * that lately answered fastest is asked, and the next one when it is late or has not heard all
 * owners out. What it names is what this node sees alive. Any thread.
 */
final class DirectoryClient implements Directory {
  private static final int MAX_PARTS = 32;
  private static final int MAX_HOT = 1024;
  private static final long HOT_HOLD_NS = 10_000_000_000L;

  /** One in so many lookups asks the second choice first, so that its latency stays known. */
  private static final int EXPLORE = 16;

  /** The reachable nodes, and where chains are. */
  private record Scene(Map<Long, NodeInfo> nodes, Placement placement) {}

  private final class Pending {
    private final long id = ids.incrementAndGet();
    private final Chain chain;
    private final Placement placement;
    private final LookupRun run;
    private final CompletableFuture<Holdings> answer = new CompletableFuture<>();
    private Future<?> deadline;
    private Future<?> hedge;

    Pending(Chain chain, Placement placement, LookupRun run) {
      this.chain = chain;
      this.placement = placement;
      this.run = run;
    }

    synchronized void start(Duration timeout) {
      deadline = timer.schedule(this::onDeadline, timeout.toNanos(), TimeUnit.NANOSECONDS);
      ask();
    }

    private synchronized void onDeadline() {
      finish();
    }

    private synchronized void onHedge() {
      switch (run.onOverdue()) {
        case FINISH -> finish();
        case ASK -> {
          hedged.increment();
          ask();
        }
        case WAIT -> {}
      }
    }

    synchronized void onFound(Found found) {
      LookupRun.Step step = run.onFound(found);
      long askedAtNs = run.askedAtNs(found.nodeId());
      if (askedAtNs != -1) {
        latencies.record(found.nodeId(), System.nanoTime() - askedAtNs);
      }
      switch (step) {
        case FINISH -> finish();
        case ASK -> ask();
        case WAIT -> {}
      }
    }

    private void ask() {
      long target = answer.isDone() ? -1 : run.ask(System.nanoTime());
      if (target == -1) {
        return;
      }
      NodeInfo node = scene.nodes.get(target);
      if (node != null && node.directory() != null) {
        for (int part = 0; part < chain.parts(); part++) {
          node.directory()
              .tell(new Lookup(id, part, placement.view(), chain.root, chain.part(part), replyTo));
        }
      }
      long delayNs =
          latencies.hedgeNs(target, settings.hedgeMin().toNanos(), settings.hedgeMax().toNanos());
      hedge = timer.schedule(this::onHedge, delayNs, TimeUnit.NANOSECONDS);
    }

    private void finish() {
      if (!run.finish()) {
        return;
      }
      pending.remove(id);
      deadline.cancel(false);
      hedge.cancel(false);
      if (run.isLate()) {
        late.increment();
      }
      answer.complete(chain.holdings(run.held(), run.isLate()));
    }
  }

  /** The keys of a lookup in one array, group by group. */
  private final class Chain {
    private final long root;
    private final long[] keys;
    private final int groups;
    private final int blocks;

    Chain(BlockKeys from) {
      BlockId first = from.root();
      root = Mix.root(first.high(), first.low());
      groups = from.groupCount();
      blocks = Math.min(from.blockCount(), MAX_PARTS * DirectoryMessage.MAX_KEYS / groups);
      keys = new long[2 * groups * blocks];
      int at = 0;
      for (int g = 0; g < groups; g++) {
        for (int b = 0; b < blocks; b++) {
          keys[at++] = Mix.inGroup(g, from.high(g, b));
          keys[at++] = from.low(g, b);
        }
      }
    }

    int parts() {
      return Math.ceilDiv(groups * blocks, DirectoryMessage.MAX_KEYS);
    }

    long[] part(int index) {
      int from = index * 2 * DirectoryMessage.MAX_KEYS;
      return Arrays.copyOfRange(
          keys, from, Math.min(keys.length, from + 2 * DirectoryMessage.MAX_KEYS));
    }

    /** Names holders that are alive as this node sees it. */
    Holdings holdings(List<Held> held, boolean late) {
      Map<Long, NodeInfo> alive = scene.nodes;
      List<Holdings.Holder> holders = new ArrayList<>(held.size());
      for (Held h : held) {
        NodeInfo node = alive.get(h.nodeId());
        if (node != null && node.incarnation() == h.incarnation() && h.tier() < Hits.TIERS) {
          holders.add(
              new Holdings.Holder(h.nodeId(), h.incarnation(), TIERS[h.tier()], split(h.places())));
        }
      }
      return holders.isEmpty() ? late ? Holdings.LATE : Holdings.NONE : new Holdings(holders, late);
    }

    private List<BitSet> split(long[] places) {
      BitSet all = BitSet.valueOf(places);
      List<BitSet> byGroup = new ArrayList<>(groups);
      for (int g = 0; g < groups; g++) {
        byGroup.add(all.get(g * blocks, (g + 1) * blocks));
      }
      return byGroup;
    }
  }

  private static final Residence[] TIERS = Residence.values();

  private final CopyCore.Life self;
  private final DirectorySettings settings;
  private final CopyTable copy;
  private final ScheduledExecutorService timer;
  private final Latencies latencies = new Latencies();
  private final Map<Long, Pending> pending = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final LongAdder lookups = new LongAdder();
  private final LongAdder local = new LongAdder();
  private final LongAdder late = new LongAdder();
  private final LongAdder hedged = new LongAdder();
  private final LongAdder dropped = new LongAdder();
  private final Map<Long, Long> hot =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Long> eldest) {
          return size() > MAX_HOT;
        }
      };
  private volatile Scene scene = new Scene(Map.of(), Placement.NOWHERE);
  private volatile ActorRef<DirectoryMessage> replyTo;

  /**
   * @param copy this node's, or null
   * @param timer of deadlines; owned by the caller
   */
  DirectoryClient(
      CopyCore.Life self,
      DirectorySettings settings,
      CopyTable copy,
      ScheduledExecutorService timer) {
    this.self = self;
    this.settings = settings;
    this.copy = copy;
    this.timer = timer;
  }

  /** Where copies answer; before the first lookup. */
  void replyTo(ActorRef<DirectoryMessage> ref) {
    replyTo = ref;
  }

  /** The reachable nodes changed. */
  void onView(Map<Long, NodeInfo> nodes, Placement placement) {
    scene = new Scene(Map.copyOf(nodes), placement);
    latencies.retain(nodes.keySet());
  }

  /** An answer arrived. */
  void onFound(Found found) {
    Pending lookup = pending.get(found.id());
    if (lookup == null) {
      return;
    }
    if (found.copies() > 0) {
      synchronized (hot) {
        hot.put(lookup.chain.root, System.nanoTime() + HOT_HOLD_NS);
      }
    }
    lookup.onFound(found);
  }

  @Override
  public CompletionStage<Holdings> lookup(BlockKeys keys, Duration timeout) {
    lookups.increment();
    Scene now = scene;
    Chain chain = new Chain(keys);
    long[] places = now.placement.places(chain.root, copies(chain.root));
    if (places.length == 0) {
      return CompletableFuture.completedFuture(Holdings.NONE);
    }
    boolean own = copy != null && remove(places, self.nodeId()) != places;
    long[] targets = order(remove(places, self.nodeId()), isHot(chain.root));
    LookupRun run = new LookupRun(targets, chain.parts());
    if (own) {
      CopyTable.Answer answer = copy.answer(now.placement.view(), chain.root, chain.keys, true);
      if (answer.complete() || targets.length == 0) {
        local.increment();
        return CompletableFuture.completedFuture(chain.holdings(answer.held(), false));
      }
      run.note(answer.held(), 0);
    }
    if (pending.size() >= settings.maxOutstanding()) {
      dropped.increment();
      late.increment();
      return CompletableFuture.completedFuture(chain.holdings(run.held(), true));
    }
    Pending lookup = new Pending(chain, now.placement, run);
    pending.put(lookup.id, lookup);
    lookup.start(timeout);
    return lookup.answer;
  }

  /** Ends what is under way: late. */
  void close() {
    pending.values().forEach(Pending::onDeadline);
  }

  long lookupCount() {
    return lookups.sum();
  }

  long localCount() {
    return local.sum();
  }

  long lateCount() {
    return late.sum();
  }

  long hedgedCount() {
    return hedged.sum();
  }

  long droppedCount() {
    return dropped.sum();
  }

  private int copies(long root) {
    return isHot(root) ? settings.hotCopies() : settings.copies();
  }

  private boolean isHot(long root) {
    synchronized (hot) {
      Long until = hot.get(root);
      return until != null && until - System.nanoTime() > 0;
    }
  }

  /** Fastest first; a hot chain's copies share the load. */
  private long[] order(long[] targets, boolean shared) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    for (int i = 1; i < targets.length; i++) {
      for (int j = i;
          j > 0 && latencies.meanNs(targets[j]) < latencies.meanNs(targets[j - 1]);
          j--) {
        swap(targets, j, j - 1);
      }
    }
    if (targets.length > 1 && (shared || random.nextInt(EXPLORE) == 0)) {
      swap(targets, 0, shared ? random.nextInt(targets.length) : 1);
    }
    return targets;
  }

  private static void swap(long[] array, int i, int j) {
    long held = array[i];
    array[i] = array[j];
    array[j] = held;
  }

  /** The array itself when it does not contain the id. */
  private static long[] remove(long[] ids, long id) {
    long[] rest = Arrays.stream(ids).filter(other -> other != id).toArray();
    return rest.length == ids.length ? ids : rest;
  }
}
