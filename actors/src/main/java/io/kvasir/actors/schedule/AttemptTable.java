package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.gpu.StreamedGeneration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The attempts that a node computes: begun, told, renewed, ended. Every attempt lives under a lease
 * by this node's monotonic clock, looked at before anything is done for it, so that a node that
 * stood still does not go on with what others have taken over meanwhile; a lease that has ended
 * stays ended. Pure: time comes in. One thread.
 */
final class AttemptTable {
  private final int maxAttempts;
  private final long aliveNs;
  private final long maxLeaseNs;
  private final Map<Long, NodeAttempt> attempts = new HashMap<>();

  /**
   * @param maxAttempts at once
   * @param aliveNs after which an attempt that told nothing says that it lives
   * @param maxLeaseNs longest lease that a gateway gets, whatever it asks for
   */
  AttemptTable(int maxAttempts, long aliveNs, long maxLeaseNs) {
    this.maxAttempts = maxAttempts;
    this.aliveNs = aliveNs;
    this.maxLeaseNs = maxLeaseNs;
  }

  /** The end of a lease that a gateway asks for now. */
  long leaseUntil(int leaseMs, long nowNs) {
    return nowNs + Math.min(leaseMs * 1_000_000L, maxLeaseNs);
  }

  /** Begins one, ending an earlier one of the request; false when it was refused or is known. */
  boolean begin(NodeAttempt attempt) {
    NodeAttempt before = attempts.get(attempt.requestId);
    if (before != null && before.attempt >= attempt.attempt) {
      return false;
    }
    end(attempt.requestId);
    if (attempts.size() >= maxAttempts) {
      attempt.refuse(
          Code.QUEUE_FULL,
          "the node has %d requests, its limit, try again later".formatted(attempts.size()),
          true);
      return false;
    }
    attempts.put(attempt.requestId, attempt);
    return true;
  }

  /** The device has taken it; null when nobody waits for it any more, and it was cancelled. */
  NodeAttempt taken(long requestId, int number, StreamedGeneration generation, long nowNs) {
    NodeAttempt attempt = live(requestId, number, nowNs);
    if (attempt == null) {
      generation.cancel();
    } else {
      attempt.taken(generation);
    }
    return attempt;
  }

  /** The attempt if it is under way and its lease has not ended, which ends it. */
  NodeAttempt live(long requestId, int number, long nowNs) {
    NodeAttempt attempt = attempts.get(requestId);
    if (attempt == null || attempt.attempt != number) {
      return null;
    }
    if (attempt.leaseOver(nowNs)) {
      end(requestId);
      return null;
    }
    return attempt;
  }

  /** Tells what is new; true when the last end was told by this. */
  boolean news(long requestId, int number, long nowNs) {
    NodeAttempt attempt = live(requestId, number, nowNs);
    if (attempt == null) {
      return false;
    }
    // Before looking: what is published from here on wakes again.
    attempt.wakeScheduled.set(false);
    boolean before = attempt.toldAll();
    attempt.tellNews(nowNs);
    return !before && attempt.toldAll();
  }

  /**
   * The gateway still wants it.
   *
   * @param out who asks
   */
  void renew(GenerationMessage.Renew renew, Consumer<GenerationReply> out, long nowNs) {
    NodeAttempt attempt = live(renew.requestId(), renew.attempt(), nowNs);
    if (attempt == null) {
      out.accept(new GenerationReply.Gone(renew.requestId(), renew.attempt()));
    } else {
      attempt.renew(leaseUntil(renew.leaseMs(), nowNs));
    }
  }

  void resend(GenerationMessage.Resend resend, long nowNs) {
    NodeAttempt attempt = live(resend.requestId(), resend.attempt(), nowNs);
    if (attempt != null) {
      attempt.resend(resend.choice(), resend.first(), nowNs);
    }
  }

  /** Ends the attempt and what came before it. */
  void cancel(GenerationMessage.Cancel cancel) {
    NodeAttempt attempt = attempts.get(cancel.requestId());
    if (attempt != null && attempt.attempt <= cancel.attempt()) {
      end(cancel.requestId());
    }
  }

  void cancelChoice(GenerationMessage.CancelChoice cancel) {
    NodeAttempt attempt = attempts.get(cancel.requestId());
    if (attempt != null && attempt.attempt == cancel.attempt()) {
      attempt.stop(cancel.choice());
    }
  }

  /** Ends what nobody has renewed, and lets the others say that they live. */
  void tick(long nowNs) {
    Iterator<NodeAttempt> each = attempts.values().iterator();
    while (each.hasNext()) {
      NodeAttempt attempt = each.next();
      if (attempt.leaseOver(nowNs)) {
        each.remove();
        attempt.stop();
      } else {
        attempt.tellAlive(nowNs, aliveNs);
      }
    }
  }

  /** Gives everything back to the gateways, which go on elsewhere. */
  void handBack() {
    for (NodeAttempt attempt : new ArrayList<>(attempts.values())) {
      attempt.stop();
      attempt.refuse(Code.DRAINING, "the node is stopping", true);
    }
    attempts.clear();
  }

  /** Ends everything without a word: the node itself ends. */
  void stopAll() {
    attempts.values().forEach(NodeAttempt::stop);
    attempts.clear();
  }

  /** Forgets one that has ended on its own. */
  void forget(NodeAttempt attempt) {
    attempts.remove(attempt.requestId, attempt);
  }

  List<NodeAttempt> all() {
    return List.copyOf(attempts.values());
  }

  boolean isEmpty() {
    return attempts.isEmpty();
  }

  private void end(long requestId) {
    NodeAttempt attempt = attempts.remove(requestId);
    if (attempt != null) {
      attempt.stop();
    }
  }
}
