package io.kvasir.actors.tier;

import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.actors.tier.TierMessage.Reply;
import io.kvasir.actors.tier.TierMessage.Request;
import io.kvasir.actors.tier.TierMessage.Return;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;

/**
 * Requests to other nodes' tiers that wait for their reply. Any thread. A reply that comes when
 * nobody waits any more ends here; what it lent is given back at once.
 */
final class PeerCalls {
  /** The way to another node's tier; a message to a node that is not there is lost. */
  @FunctionalInterface
  interface Port {
    void send(long nodeId, TierMessage message);
  }

  private static final int MAX_WAITING = 4096;

  private final Port port;
  private final String domain;
  private final Map<Long, CompletableFuture<Reply>> waiting = new ConcurrentHashMap<>();
  private final AtomicLong nextId = new AtomicLong(1);
  private final AtomicLong late = new AtomicLong();

  PeerCalls(Port port, String domain) {
    this.port = port;
    this.domain = domain;
  }

  /**
   * Sends a request.
   *
   * @param request makes it, given its id
   * @return the reply, or null when there is none by the deadline; never fails
   */
  CompletableFuture<Reply> ask(long nodeId, LongFunction<Request> request, Duration deadline) {
    if (waiting.size() >= MAX_WAITING || deadline.isNegative() || deadline.isZero()) {
      return CompletableFuture.completedFuture(null);
    }
    long id = nextId.getAndIncrement();
    CompletableFuture<Reply> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    port.send(nodeId, request.apply(id));
    return answer
        .completeOnTimeout(null, deadline.toNanos(), TimeUnit.NANOSECONDS)
        .whenComplete((reply, failure) -> waiting.remove(id));
  }

  /** A reply arrived. */
  void onReply(Reply reply) {
    CompletableFuture<Reply> answer = waiting.remove(reply.id());
    if (answer == null || !answer.complete(reply)) {
      late.incrementAndGet();
      if (reply instanceof Lent lent) {
        giveBack(lent);
      }
    }
  }

  /** Ends what a reply lent. */
  void giveBack(Lent lent, int... broken) {
    if (lent.lease() != 0 && lent.lives() != null) {
      port.send(
          lent.lives().from(), new Return(lent.lives().turned(), domain, lent.lease(), broken));
    }
  }

  /** Replies that came too late. */
  long lateCount() {
    return late.get();
  }

  int waitingCount() {
    return waiting.size();
  }
}
