package io.kvasir.actors.tier;

import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.actors.tier.BlockFetcher.Order;
import io.kvasir.actors.tier.LoadPlanner.Offer;
import io.kvasir.actors.tier.LoadPlanner.Plan;
import io.kvasir.actors.tier.LoadPlanner.Prompt;
import io.kvasir.actors.tier.LoadPlanner.Source;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockLoad;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * One prompt's way from keys to pinned blocks: what the device has, what the host tier has, what
 * the gateway told of peers or the directory knows, a plan, its loads, and where a source failed
 * another plan without it. Guarded by its own lock; loads run side by side and meet here. Whatever
 * completes after the end is let go at once (A3).
 *
 * <p>Over 400 lines because each completion acts on the same plan, spans and pins; what is planned,
 * {@link LoadPlanner} decides.
 */
final class FetchRun {
  private static final int MAX_PLANS = 3;

  /** Of the time that computing takes so much is waited for the directory. */
  private static final double LOOKUP_SHARE = 1 / 16d;

  private final TierFetcher.Means means;
  private final Order order;
  private final BlockKeys keys;
  private final BlockShape shape;
  private final int blocks;
  private final long startNs;
  private final CompletableFuture<Fetched> answer = new CompletableFuture<>();

  /** Completes when the time is over; its timer would otherwise keep this run until then. */
  private final CompletableFuture<Void> deadline = new CompletableFuture<>();

  private final List<BlockPin> pins = new ArrayList<>();
  private final List<String> explained = new ArrayList<>();
  private final List<BitSet> onDevice;
  private final Residence[][] loadedFrom;
  private final KnownSources sources;
  private final MissReason[] why;
  private final BitSet bypassed = new BitSet();
  private int deviceAtStart;

  /** Whether what the gateway told stands for what the directory would say. */
  private boolean told;

  private boolean late;
  private boolean noSpace;
  private Plan plan;
  private int plans;
  private boolean finished;

  FetchRun(TierFetcher.Means means, Order order) {
    this.means = means;
    this.order = order;
    this.keys = order.keys();
    this.shape = means.host().shape();
    this.blocks = keys.blockCount();
    this.startNs = means.clock().getAsLong();
    this.loadedFrom = new Residence[keys.groupCount()][blocks];
    this.why = new MissReason[blocks];
    this.onDevice = empty();
    this.sources = new KnownSources(means.view(), keys.groupCount(), blocks);
  }

  CompletableFuture<Fetched> start() {
    deadline
        .completeOnTimeout(null, order.deadline().toNanos(), TimeUnit.NANOSECONDS)
        .thenRunAsync(() -> finish("the deadline of the fetch has passed"), means.executor());
    List<BlockPlace> places = BlockPlace.of(keys, 0, blocks);
    means
        .device()
        .pin(
            places.stream().map(BlockPlace::id).toList(),
            order.ownerId(),
            means.settings().pinTtl())
        .whenCompleteAsync((pin, failure) -> onDevice(places, pin), means.executor());
    return answer;
  }

  /** Whether the request lets blocks come from there. */
  private boolean allowed(Residence source) {
    return order.sources().contains(source);
  }

  /** Until its deadline. */
  Duration left() {
    return order.deadline().minusNanos(means.clock().getAsLong() - startNs);
  }

  private void onDevice(List<BlockPlace> places, BlockPin pin) {
    if (pin == null) {
      finish("the device takes no calls");
      return;
    }
    synchronized (this) {
      if (!take(pin)) {
        return;
      }
      pin.pinned().stream().forEach(i -> mark(onDevice, places.get(i)));
      deviceAtStart = LoadPlanner.devicePrefix(prompt());
      if (deviceAtStart == blocks) {
        finish("the device has all " + blocks + " blocks");
        return;
      }
      if (!allowed(Residence.HOST) || !allowed(Residence.PEER)) {
        explained.add("the request lets blocks come from " + order.sources() + " only");
      }
      if (allowed(Residence.HOST)) {
        means.host().find(places).stream().forEach(i -> mark(sources.here(), places.get(i)));
      }
    }
    if (servedHere() || !allowed(Residence.PEER) || told(order.holdings())) {
      load();
    } else {
      ask();
    }
  }

  /** Whether the gateway knows who holds the prompt, so that nobody needs to be asked first. */
  private synchronized boolean told(Holdings holdings) {
    if (holdings == null) {
      return false;
    }
    told = sources.add(holdings);
    if (told) {
      String peers = sources.peers();
      explained.add(
          peers.isEmpty()
              ? "the gateway told that no other node holds blocks"
              : "the gateway told who holds blocks: " + peers);
    } else {
      explained.add(
          "the gateway told of a node that is not here in that life, the directory is asked");
    }
    return told;
  }

  /** Asks the directory, and goes on with what it says. */
  private void ask() {
    Duration patience = patience();
    if (patience.isNegative()) {
      load();
      return;
    }
    means
        .directory()
        .lookup(keys, patience)
        .whenCompleteAsync(
            (holdings, failure) -> onHoldings(failure == null ? holdings : Holdings.LATE),
            means.executor());
  }

  /**
   * How long the directory may take: a moment, or longer where computing what is missing would take
   * much longer still, because a node that happens to be busy then is worth waiting for.
   */
  private Duration patience() {
    int from;
    synchronized (this) {
      from = deviceAtStart * shape.slots();
    }
    double computing = means.cost().seconds(from, order.promptTokens());
    Duration worth = Duration.ofNanos((long) (computing * LOOKUP_SHARE * 1e9));
    Duration least = means.settings().lookupDeadline();
    Duration patience = worth.compareTo(least) > 0 ? worth : least;
    Duration left = left();
    return patience.compareTo(left) > 0 ? left : patience;
  }

  private List<BitSet> empty() {
    return KnownSources.empty(keys.groupCount(), blocks);
  }

  private static void mark(List<BitSet> sets, BlockPlace place) {
    sets.get(place.id().group()).set(place.index());
  }

  private Prompt prompt() {
    return new Prompt(shape, blocks, order.promptTokens(), onDevice);
  }

  /** Whether device and host together have every block. */
  private synchronized boolean servedHere() {
    List<BitSet> union = empty();
    for (int group = 0; group < union.size(); group++) {
      union.get(group).or(onDevice.get(group));
      union.get(group).or(sources.here().get(group));
    }
    return LoadPlanner.devicePrefix(new Prompt(shape, blocks, order.promptTokens(), union))
        == blocks;
  }

  private void onHoldings(Holdings holdings) {
    synchronized (this) {
      late = holdings.late();
      if (late) {
        explained.add("the directory did not answer in time");
      }
      sources.add(holdings);
    }
    load();
  }

  /** Plans with what is known now, and starts the loads. */
  private void load() {
    List<CompletableFuture<Void>> loads = new ArrayList<>();
    synchronized (this) {
      if (finished) {
        return;
      }
      List<Offer> offers = sources.offers(means.rates(), bypassed, explained);
      plan = LoadPlanner.plan(prompt(), offers, means.cost());
      plans++;
      explained.addAll(plan.explained());
      if (plan.end() == plan.device()) {
        finish(null);
        return;
      }
      for (int i = 0; i < offers.size(); i++) {
        List<BlockPlace> wanted = wanted(i);
        if (!wanted.isEmpty()) {
          loads.add(load(offers.get(i).source(), wanted));
        }
      }
    }
    CompletableFuture.allOf(loads.toArray(CompletableFuture[]::new))
        .whenCompleteAsync((done, failure) -> onLoaded(), means.executor());
  }

  /** What the plan takes from an offer, in the order of the chain. */
  private List<BlockPlace> wanted(int offer) {
    List<BlockPlace> wanted = new ArrayList<>();
    for (int block = 0; block < plan.end(); block++) {
      for (int group = 0; group < keys.groupCount(); group++) {
        if (plan.from()[group][block] == offer && block >= shape.firstNeeded(group, plan.end())) {
          wanted.add(new BlockPlace(keys.id(group, block), keys.root(), block));
        }
      }
    }
    return wanted;
  }

  private long bytes(List<BlockPlace> places) {
    return places.stream()
        .mapToLong(place -> shape.groups().get(place.id().group()).blockBytes())
        .sum();
  }

  private CompletableFuture<Void> load(Source source, List<BlockPlace> wanted) {
    long bytes = bytes(wanted);
    double share = plan.computeSeconds() / Math.max(1, plannedBytes()) * bytes;
    double predicted = plan.loadSeconds();
    long beganNs = means.clock().getAsLong();
    means.rates().begin(source, bytes);
    TierLoadEvent event = new TierLoadEvent();
    event.begin();
    CompletableFuture<Void> done =
        source.residence() == Residence.HOST
            ? toDevice(source, wanted)
            : PeerLoad.start(means, this, source, wanted);
    return done.whenComplete(
        (nothing, failure) -> {
          means.rates().end(source, bytes);
          List<BlockPlace> loaded = loaded(source, wanted);
          long loadedBytes = bytes(loaded);
          double seconds = (means.clock().getAsLong() - beganNs) / 1e9;
          if (loaded.size() == wanted.size()) {
            means.rates().measured(source, loadedBytes, seconds, share);
          } else if (loaded.isEmpty() && !noSpace) {
            means.rates().failed(source);
          }
          means.counts().loaded(source.residence(), loadedBytes);
          event.source = source.toString();
          event.wantedBlocks = wanted.size();
          event.loadedBlocks = loaded.size();
          event.bytes = loadedBytes;
          event.predictedMs = predicted * 1e3;
          event.computingMs = share * 1e3;
          event.commit();
        });
  }

  private long plannedBytes() {
    long bytes = 0;
    for (int group = 0; group < keys.groupCount(); group++) {
      for (int block = shape.firstNeeded(group, plan.end()); block < plan.end(); block++) {
        bytes += plan.from()[group][block] < 0 ? 0 : shape.groups().get(group).blockBytes();
      }
    }
    return bytes;
  }

  private synchronized List<BlockPlace> loaded(Source source, List<BlockPlace> wanted) {
    return wanted.stream()
        .filter(p -> loadedFrom[p.id().group()][p.index()] == source.residence())
        .toList();
  }

  /** Loads blocks of the host tier onto the device. */
  CompletableFuture<Void> toDevice(Source source, List<BlockPlace> wanted) {
    Duration left = left();
    if (wanted.isEmpty() || !left.isPositive()) {
      return CompletableFuture.completedFuture(null);
    }
    HostLease lease =
        means.host().keep(wanted, order.ownerId(), left.plus(means.settings().guard()));
    BitSet kept = lease.pinned();
    for (int i = kept.nextClearBit(0); i < wanted.size(); i = kept.nextClearBit(i + 1)) {
      miss(source, wanted.get(i), MissReason.GONE);
    }
    return toDevice(source, wanted, lease).thenAccept(bytes -> {});
  }

  /**
   * Loads what a lease keeps onto the device, and ends the lease.
   *
   * @param wanted by the lease's places
   * @return bytes that have come onto the device; never fails
   */
  CompletableFuture<Long> toDevice(Source source, List<BlockPlace> wanted, HeldBlocks lease) {
    List<BlockLoad> loads = new ArrayList<>();
    List<Integer> places = lease.pinned().stream().boxed().toList();
    for (int i : places) {
      BlockPlace place = wanted.get(i);
      loads.add(
          new BlockLoad(
              place.id(),
              place.root(),
              place.index(),
              lease.segment(i),
              lease.checksums(i),
              () -> lease.granted(i)));
    }
    if (loads.isEmpty()) {
      lease.close();
      return CompletableFuture.completedFuture(0L);
    }
    return means
        .device()
        .load(loads, order.ownerId(), means.settings().pinTtl())
        .handleAsync(
            (pin, failure) -> {
              onPinned(source, wanted, places, lease, pin);
              lease.close();
              return pin == null
                  ? 0L
                  : pin.pinned().stream().mapToLong(i -> loads.get(i).source().byteSize()).sum();
            },
            means.executor());
  }

  private void onPinned(
      Source source,
      List<BlockPlace> wanted,
      List<Integer> places,
      HeldBlocks lease,
      BlockPin pin) {
    BitSet pinned = pin == null ? new BitSet() : pin.pinned();
    for (int i = 0; i < places.size(); i++) {
      BlockPlace place = wanted.get(places.get(i));
      if (!pinned.get(i)) {
        boolean whole = pin == null || lease.prove(places.get(i));
        miss(source, place, pin == null || !whole ? MissReason.LOAD_FAILED : MissReason.NO_SPACE);
      }
    }
    synchronized (this) {
      if (pin == null || !take(pin)) {
        return;
      }
      for (int i = pinned.nextSetBit(0); i >= 0; i = pinned.nextSetBit(i + 1)) {
        BlockPlace place = wanted.get(places.get(i));
        mark(onDevice, place);
        loadedFrom[place.id().group()][place.index()] = source.residence();
        why[place.index()] = null;
      }
    }
  }

  synchronized void miss(Source source, BlockPlace place, MissReason reason) {
    why[place.index()] = reason;
    noSpace |= reason == MissReason.NO_SPACE;
    sources.miss(source, place);
  }

  /** Keeps a pin for the answer; one that comes after it is closed. */
  private synchronized boolean take(BlockPin pin) {
    if (finished) {
      pin.close();
      return false;
    }
    pins.add(pin);
    return true;
  }

  private void onLoaded() {
    boolean again;
    boolean doubt;
    synchronized (this) {
      boolean whole = LoadPlanner.devicePrefix(prompt()) >= plan.end();
      again = !whole && !noSpace && plans < MAX_PLANS && left().isPositive();
      doubt = again && told;
      if (doubt) {
        told = false;
        explained.add("blocks did not come from where the gateway told, the directory is asked");
      }
    }
    if (doubt) {
      ask();
    } else if (again) {
      load();
    } else {
      finish(null);
    }
  }

  /** Answers with what is on the device now; idempotent. */
  private synchronized void finish(String sentence) {
    if (finished) {
      return;
    }
    finished = true;
    deadline.cancel(false);
    if (sentence != null) {
      explained.add(sentence);
    }
    int prefix = LoadPlanner.devicePrefix(prompt());
    Map<MissReason, Integer> misses = new EnumMap<>(MissReason.class);
    MissReason last = null;
    for (int block = prefix; block < blocks; block++) {
      last = reason(block, last);
      misses.merge(last, shape.slots(), Integer::sum);
    }
    misses.forEach(means.counts()::missed);
    Fetched fetched = new Fetched(pins, spans(prefix), misses, explained);
    // Not under this lock: who waits may do anything.
    answer.completeAsync(() -> fetched, means.executor());
  }

  private MissReason reason(int block, MissReason before) {
    if (why[block] != null) {
      return why[block];
    }
    if (plan == null) {
      return late ? MissReason.LOOKUP_LATE : MissReason.LOAD_FAILED;
    }
    if (block < plan.end()) {
      return before == null ? MissReason.LOAD_FAILED : before;
    }
    if (block < plan.usable() || bypassed.get(block)) {
      return MissReason.SLOWER;
    }
    return late ? MissReason.LOOKUP_LATE : MissReason.NOT_CACHED;
  }

  private List<LoadedSpan> spans(int prefix) {
    List<LoadedSpan> spans = new ArrayList<>();
    int slots = shape.slots();
    for (int block = 0; block < prefix; block++) {
      Residence from = residence(block);
      if (from == Residence.DEVICE) {
        continue;
      }
      LoadedSpan last = spans.isEmpty() ? null : spans.getLast();
      int start = block * slots;
      if (last != null && last.to() == start && last.residence() == from) {
        start = last.from();
        spans.removeLast();
      }
      spans.add(new LoadedSpan(start, (block + 1) * slots, from));
      means.counts().served(from, slots);
    }
    return spans;
  }

  /** The farthest source that any group's block of this place came from. */
  private Residence residence(int block) {
    Residence farthest = Residence.DEVICE;
    for (Residence[] group : loadedFrom) {
      if (group[block] != null && group[block].compareTo(farthest) > 0) {
        farthest = group[block];
      }
    }
    return farthest;
  }
}
