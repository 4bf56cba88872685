package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.tier.TierMessage.Borrow;
import io.kvasir.actors.tier.TierMessage.Chain;
import io.kvasir.actors.tier.TierMessage.Declined;
import io.kvasir.actors.tier.TierMessage.Demote;
import io.kvasir.actors.tier.TierMessage.Find;
import io.kvasir.actors.tier.TierMessage.Forget;
import io.kvasir.actors.tier.TierMessage.Found;
import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.actors.tier.TierMessage.Lives;
import io.kvasir.actors.tier.TierMessage.Reason;
import io.kvasir.actors.tier.TierMessage.Reply;
import io.kvasir.actors.tier.TierMessage.Request;
import io.kvasir.actors.tier.TierMessage.Return;
import io.kvasir.actors.tier.TierMessage.Take;
import io.kvasir.actors.timing.Pace;
import io.kvasir.transport.BlockTransport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * A tier as other nodes reach it. It checks who asks and what for, hands the work to the tier's
 * dispatcher, and ends the leases of borrowers that are gone or late.
 */
final class TierActor extends AbstractMatchingBehavior<TierMessage> {
  /** Most blocks in one request. */
  static final int MAX_BLOCKS = 1024;

  /** What a tier tells itself; never leaves the node. */
  private sealed interface Local extends TierMessage {}

  private record Tick() implements Local {}

  record Viewed(List<NodeInfo> nodes) implements TierMessage {}

  record Stop() implements TierMessage {}

  /**
   * Parts of the tier.
   *
   * @param demoter lets blocks leave the device, on the executor
   */
  record Parts(
      ClusterView view,
      HostTier host,
      Lender lender,
      PeerCalls calls,
      PeerTier.Node peers,
      Executor executor,
      int maxRequests,
      Consumer<List<BlockPlace>> demoter) {}

  private static final Duration TICK = Duration.ofMillis(250);

  /** What began since the last of these ends later by as much. */
  private static final Duration TICK_WITHOUT_LEASES = Duration.ofSeconds(1);

  private final Parts parts;
  private final Pace<TierMessage> pace;
  private final AtomicInteger requests = new AtomicInteger();

  /**
   * A tier.
   *
   * @param parts made for the actor, which peers' replies go to
   */
  static Behavior<TierMessage> create(Function<ActorRef<TierMessage>, Parts> parts) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  Pace<TierMessage> pace =
                      new Pace<>(timers, new Tick(), TICK, TICK_WITHOUT_LEASES);
                  return new TierActor(context, pace, parts.apply(context.getSelf()));
                }));
  }

  private TierActor(ActorContext<TierMessage> context, Pace<TierMessage> pace, Parts parts) {
    super(context);
    this.pace = pace;
    this.parts = parts;
  }

  @Override
  public Behavior<TierMessage> onMessage(TierMessage message) {
    switch (message) {
      case Reply reply -> parts.calls().onReply(reply);
      case Return back -> run(() -> parts.lender().giveBack(back));
      case Request request -> onRequest(request);
      case Demote demote -> onDemote(demote);
      case Tick tick -> {
        run(this::expire);
        pace.ticked(isLent());
      }
      case Viewed viewed -> onView(viewed.nodes());
      case Stop stop -> {
        return Behaviors.stopped();
      }
      default -> getContext().getLog().debug("unknown message of {}", message.getClass());
    }
    return this;
  }

  private boolean run(Runnable work) {
    try {
      parts.executor().execute(work);
      return true;
    } catch (RejectedExecutionException stopping) {
      return false;
    }
  }

  /** Whether there are leases that may have to be ended. */
  private boolean isLent() {
    return parts.lender().loanCount() > 0 || parts.host().stats().leases() > 0;
  }

  private void expire() {
    parts.lender().expire();
    parts.host().expire();
  }

  private void onView(List<NodeInfo> nodes) {
    Map<Long, Long> lives = new HashMap<>();
    nodes.forEach(node -> lives.put(node.nodeId(), node.incarnation()));
    run(() -> parts.lender().onView(lives));
  }

  private void onRequest(Request request) {
    if (request.replyTo() == null) {
      getContext().getLog().warn("a request that names nobody to answer is dropped: {}", request);
      return;
    }
    Reason refusal = refusal(request);
    List<BlockPlace> places = null;
    if (refusal == null) {
      places = request.chain().places(parts.host().shape().groups().size());
      boolean fits = places != null && !places.isEmpty() && places.size() <= MAX_BLOCKS;
      refusal = fits ? null : Reason.MALFORMED;
    }
    if (refusal == null && requests.incrementAndGet() > parts.maxRequests()) {
      requests.decrementAndGet();
      refusal = Reason.BUSY;
    }
    if (refusal != null) {
      request.replyTo().tell(new Declined(request.id(), refusal));
      return;
    }
    pace.busy();
    List<BlockPlace> wanted = places;
    boolean begun =
        run(
            () ->
                answer(request, wanted)
                    .whenComplete(
                        (reply, failure) -> {
                          requests.decrementAndGet();
                          request
                              .replyTo()
                              .tell(
                                  failure == null
                                      ? reply
                                      : new Declined(request.id(), Reason.CLOSED));
                        }));
    if (!begun) {
      requests.decrementAndGet();
      request.replyTo().tell(new Declined(request.id(), Reason.CLOSED));
    }
  }

  private void onDemote(Demote demote) {
    if (refusal(demote.lives(), demote.chain(), demote.domain()) != null) {
      return;
    }
    List<BlockPlace> places = demote.chain().places(parts.host().shape().groups().size());
    if (places != null && !places.isEmpty() && places.size() <= MAX_BLOCKS) {
      run(() -> parts.demoter().accept(places));
    }
  }

  private Reason refusal(Request request) {
    return request.replyTo() == null
        ? Reason.MALFORMED
        : refusal(request.lives(), request.chain(), request.domain());
  }

  private Reason refusal(Lives lives, Chain chain, String domain) {
    NodeInfo self = parts.view().self();
    if (lives == null || chain == null) {
      return Reason.MALFORMED;
    }
    if (lives.to() != self.nodeId() || lives.toIncarnation() != self.incarnation()) {
      return Reason.OTHER_LIFE;
    }
    NodeInfo asker = parts.view().find(lives.from());
    if (asker == null || asker.incarnation() != lives.fromIncarnation()) {
      return Reason.STRANGER;
    }
    return parts.host().shape().domainDigest().equals(domain) ? null : Reason.OTHER_DOMAIN;
  }

  private CompletionStage<? extends Reply> answer(Request request, List<BlockPlace> places) {
    return switch (request) {
      case Find find ->
          CompletableFuture.completedFuture(Found.of(find.id(), parts.host().find(places)));
      case Forget forget ->
          parts.host().evict(places, Duration.ZERO).thenApply(gone -> Found.of(forget.id(), gone));
      case Borrow borrow -> borrow(borrow, places);
      case Take take -> take(take, places);
    };
  }

  private CompletionStage<Reply> borrow(Borrow borrow, List<BlockPlace> places) {
    BlockTransport transport = parts.peers().links().transport();
    Lives lives = borrow.lives();
    boolean copies = parts.peers().links().memory(lives.from(), lives.fromIncarnation()) != null;
    if (!copies) {
      // The borrower's first frame is on its way, and is the first that this node's agent hears.
      // Who reads this node's memory sends none; an agent that looks out for it all the same costs
      // that reader a twelfth of a core.
      transport.attend();
    }
    return parts
        .lender()
        .borrow(
            borrow,
            places,
            node -> {
              NodeInfo asker = parts.view().find(node);
              return asker != null && asker.incarnation() == lives.fromIncarnation();
            })
        .thenApply(
            reply -> {
              if (reply instanceof Lent && !copies) {
                // It may have asked for the bytes already.
                transport.lookAgain(lives.from());
              }
              return reply;
            });
  }

  private CompletionStage<Reply> take(Take take, List<BlockPlace> places) {
    PeerTier giver =
        new PeerTier(parts.peers(), take.lives().from(), take.lives().fromIncarnation());
    Duration patience = Duration.ofMillis(Math.max(1, take.ttlMs()));
    List<CompletableFuture<?>> slices = new ArrayList<>();
    int length = giver.sliceBlocks();
    for (int from = 0; from < places.size(); from += length) {
      slices.add(
          giver.fetch(places.subList(from, Math.min(places.size(), from + length)), patience));
    }
    return CompletableFuture.allOf(slices.toArray(CompletableFuture[]::new))
        .thenApply(
            done -> {
              BitSet here = parts.host().find(places);
              return Found.of(take.id(), here);
            });
  }
}
