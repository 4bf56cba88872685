package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Announcer;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.link.Links;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.agrona.CloseHelper;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Props;

/**
 * The tiers below one model's device on this node: the host tier, what it lends, what it borrows,
 * and the fetcher that admission calls. Any thread. Close it before the links and the engine.
 */
public final class TierService implements AutoCloseable {
  private static final int REQUESTS_PER_BORROW = 4;

  /** A model's tiers may be started again in one actor system, whose actors' names are unique. */
  private static final AtomicLong LIVES = new AtomicLong();

  private final HostTier host;
  private final Lender lender;
  private final PeerTier.Node peers;
  private final PeerCalls calls;
  private final CopyDown copyDown;
  private final TierFetcher.Means means;
  private final TierFetcher fetcher;
  private final DeviceBlocks device;
  private final AtomicLong demoted = new AtomicLong();
  private final ModelInfo model;
  private final ClusterView view;
  private final Executor blocking;
  private final AtomicBoolean calibrating = new AtomicBoolean();
  private final RateBook rates;
  private final PrefillCost cost;
  private final TierFetcher.Counts counts = new TierFetcher.Counts();
  private final ActorRef<TierMessage> actor;
  private final AutoCloseable subscription;
  private final TierMeters meters;
  private final Runnable unserve;

  /**
   * Starts the tiers of a model.
   *
   * @param device of the model, or null on a node that only keeps blocks for others
   * @param model names the blocks' shape and domain
   */
  public static TierService start(
      ActorSystem<?> system,
      ClusterView view,
      Directory directory,
      Announcer announcer,
      DeviceBlocks device,
      ModelInfo model,
      Links links,
      TierSettings settings) {
    return start(system, view, directory, announcer, device, model, links, settings, 1);
  }

  /**
   * The same where several models share the host's memory.
   *
   * @param models that the settings' host bytes are for, this one included; equal shares
   */
  public static TierService start(
      ActorSystem<?> system,
      ClusterView view,
      Directory directory,
      Announcer announcer,
      DeviceBlocks device,
      ModelInfo model,
      Links links,
      TierSettings settings,
      int models) {
    return new TierService(
        system, view, directory, announcer, device, model, links, settings, models);
  }

  private TierService(
      ActorSystem<?> system,
      ClusterView view,
      Directory directory,
      Announcer announcer,
      DeviceBlocks device,
      ModelInfo model,
      Links links,
      TierSettings settings,
      int models) {
    this.model = model;
    this.view = view;
    blocking = system.dispatchers().lookup(DispatcherSelector.blocking());
    BlockShape shape = model.shape();
    LongSupplier clock = System::nanoTime;
    Executor executor =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(settings.dispatcher()));
    host =
        new HostTier(
            shape,
            (settings.hostBytes() == 0 ? HostMemory.share() : settings.hostBytes()) / models,
            Math.max(1, SlabMemory.MAX_PIECES / models),
            settings.maxLeases(),
            links::region,
            executor,
            clock,
            new Announced(announcer));
    lender = new Lender(host, device, settings, clock);
    unserve = links.serve(lender);
    calls = new PeerCalls((nodeId, message) -> send(view, nodeId, message), shape.domainDigest());
    this.device = device;
    copyDown = device == null ? null : new CopyDown(device, host, announcer, settings, executor);
    rates = new RateBook(settings, clock);
    cost = new PrefillCost(settings.priors().prefillTokensPerSecond());
    actor =
        system.systemActorOf(
            TierActor.create(
                self ->
                    new TierActor.Parts(
                        view,
                        host,
                        lender,
                        calls,
                        new PeerTier.Node(host, links, calls, self, settings, executor, clock),
                        executor,
                        REQUESTS_PER_BORROW * settings.maxBorrows(),
                        this::demote)),
            "kvasir-tier-" + shape.domainDigest() + "-" + LIVES.incrementAndGet(),
            Props.empty());
    peers = new PeerTier.Node(host, links, calls, actor, settings, executor, clock);
    means =
        device == null
            ? null
            : new TierFetcher.Means(
                device, host, directory, view, peers, rates, cost, settings, executor, clock,
                counts);
    fetcher = means == null ? null : new TierFetcher(means);
    meters =
        new TierMeters(model.id(), host, lender, calls, copyDown, fetcher, rates, counts, demoted);
    subscription = view.subscribe(nodes -> actor.tell(new TierActor.Viewed(nodes)));
    if (copyDown != null) {
      copyDown.start();
    }
  }

  private static void send(ClusterView view, long nodeId, TierMessage message) {
    NodeInfo node = view.find(nodeId);
    if (node != null && node.tier() != null) {
      node.tier().tell(message);
    }
  }

  /** Tells the directory what the host tier holds. */
  private record Announced(Announcer announcer) implements SlotTable.Listener {
    @Override
    public void added(BlockPlace place) {
      BlockId id = place.id();
      announcer.added(
          Residence.HOST,
          id.group(),
          id.high(),
          id.low(),
          place.root().high(),
          place.root().low(),
          place.index());
    }

    @Override
    public void removed(BlockId id) {
      announcer.removed(Residence.HOST, id.group(), id.high(), id.low());
    }
  }

  /** What peers talk to; belongs into the node's {@link NodeInfo}. */
  public ActorRef<TierMessage> ref() {
    return actor;
  }

  /** What the tiers are for. */
  public ModelInfo model() {
    return model;
  }

  /** What admission calls before a prompt is computed. */
  public BlockFetcher fetcher() {
    return fetcher == null ? BlockFetcher.NONE : fetcher;
  }

  /** The host tier itself. */
  public HostTier host() {
    return host;
  }

  /** The host tier of another node in one of its lives. */
  public BlockTier peer(long nodeId, long incarnation) {
    return new PeerTier(peers, nodeId, incarnation);
  }

  /** Drops what the host tier holds and nobody keeps, or is bringing; returns how many blocks. */
  public int clearHost() {
    if (copyDown != null) {
      copyDown.forget();
    }
    return host.clear();
  }

  /** Blocks lent to peers, and borrowed from them, at this moment. */
  public Peers peers() {
    return new Peers(lender.loanCount(), lender.lentBytes(), calls.waitingCount());
  }

  /**
   * What is between this node and others.
   *
   * @param loans requests of peers whose blocks are kept for them
   * @param lentBytes of those blocks
   * @param asked questions to peers without an answer yet
   */
  public record Peers(int loans, long lentBytes, int asked) {}

  /**
   * Makes sure that the host tier holds what the device has of a chain, and the device's copies the
   * first that it gives up. What does not fit into the host tier stays where it is.
   *
   * @param places in the order of the chain
   * @return completes with how many blocks the device will give up first; never fails
   */
  public CompletionStage<Integer> demote(List<BlockPlace> places) {
    if (copyDown == null) {
      return CompletableFuture.completedFuture(0);
    }
    return copyDown
        .demote(places)
        .thenCompose(
            copied -> {
              BitSet kept = host.present(places);
              return device.demote(kept.stream().mapToObj(i -> places.get(i).id()).toList());
            })
        .exceptionally(closing -> 0)
        .thenApply(
            count -> {
              demoted.addAndGet(count);
              return count;
            });
  }

  /**
   * Measures on purpose what loading from the host tier and from every peer costs, which the next
   * requests are planned with.
   *
   * @return fails with one sentence where the node has no device, or a calibration is under way
   */
  public CompletionStage<Rates> calibrate() {
    if (means == null) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("the node has no device for blocks to be loaded onto"));
    }
    if (!calibrating.compareAndSet(false, true)) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("a calibration is under way, try again when it has ended"));
    }
    return CompletableFuture.supplyAsync(() -> new Calibration(means, model.keys()).run(), blocking)
        .thenApply(this::rates)
        .whenComplete((measured, failure) -> calibrating.set(false));
  }

  private Rates rates(double deviceBytesPerSecond) {
    List<Rates.Source> sources = new ArrayList<>();
    for (RateBook.Known known : rates.known()) {
      NodeInfo node =
          known.source().residence() == Residence.PEER
              ? view.find(known.source().nodeId())
              : view.self();
      sources.add(
          new Rates.Source(
              known.source().residence().name().toLowerCase(Locale.ROOT),
              node == null ? Long.toUnsignedString(known.source().nodeId(), 16) : node.name(),
              known.bytesPerSecond(),
              known.fixedSeconds() * 1e3,
              known.samples(),
              known.bypassed()));
    }
    return new Rates(
        model.id(),
        sources,
        deviceBytesPerSecond,
        1 / Math.max(1e-9, cost.seconds(0, 1)),
        explain());
  }

  /** One sentence a source: how fast it is, and whether it is bypassed. */
  public List<String> explain() {
    List<String> said = new ArrayList<>(rates.explain());
    said.add(
        String.format(
            Locale.ROOT,
            "computing: %.0f tokens/s at the start of a prompt (%s)",
            1 / Math.max(1e-9, cost.seconds(0, 1)),
            cost.samples() == 0 ? "assumed" : cost.samples() + " prompts measured"));
    return said;
  }

  /** Counters and levels of these tiers for a metrics registry. */
  public TierMeters meters() {
    return meters;
  }

  /** Leases, loans and slots that are not at rest: 0 when nothing is under way. */
  public int heldCount() {
    TierStats stats = host.stats();
    return stats.leases() + stats.filling() + lender.loanCount();
  }

  /** Ends all leases and loans. Memory is given back when no transfer touches it any more. */
  @Override
  public void close() {
    CloseHelper.quietClose(subscription);
    meters.close();
    unserve.run();
    if (copyDown != null) {
      copyDown.close();
      fetcher.close();
    }
    actor.tell(new TierActor.Stop());
    lender.close();
    host.close();
  }
}
