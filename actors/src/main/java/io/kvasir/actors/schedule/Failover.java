package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.schedule.GenerationReply.OfAttempt;
import java.util.HashSet;
import java.util.Set;

/**
 * One request on its way through nodes that may die: which attempt counts, when it is given up, and
 * where the answer goes on. Pure: time and messages come in, what is to be done goes out through
 * the {@link Port}. Only messages of the present attempt are taken, so two attempts never mix; a
 * node that was given up is told to stop, and stops by itself when its lease ends.
 *
 * <p>Silence is counted in ticks, not by the clock: a gateway that stood still for a while has not
 * listened either.
 */
final class Failover {
  /** What it may ask for; called from within the calls to it. */
  interface Port {
    /** Find a node; answered by {@link Failover#placed} or {@link Failover#nowhere}. */
    void place(Set<Long> avoided);

    /** Send the request, to go on where {@link Progress#resume} says. */
    void start(int attempt, long nodeId);

    void renew(int attempt, long nodeId);

    void resend(int attempt, long nodeId, int choice, int first);

    void cancel(int attempt, long nodeId);

    void cancelChoice(int attempt, long nodeId, int choice);

    /** The first node has taken it: whoever ordered may read. */
    void accepted();

    /** Nobody takes it; it was never accepted. */
    void refused(Code code, String sentence);

    /** It is over, one way or the other: forget it. */
    void over();
  }

  /**
   * Bounds.
   *
   * @param silenceTicks ticks without a word after which a node is given up
   * @param renewTicks ticks between two renewals
   * @param maxAttempts nodes that are tried
   * @param patienceTicks ticks that an answer which has begun waits for a node to go on
   */
  record Limits(int silenceTicks, int renewTicks, int maxAttempts, int patienceTicks) {}

  private enum Phase {
    PLACING,
    WAITING,
    RUNNING,
    OVER
  }

  private final Progress progress;
  private final Limits limits;
  private final Port port;
  private final Set<Long> avoided = new HashSet<>();
  private Phase phase = Phase.PLACING;
  private boolean accepted;
  private int attempt;
  private long nodeId;
  private int silentTicks;
  private int renewedTicks;
  private int waitedTicks;
  private int resentTicks;
  private Code refusal = Code.NO_NODE;
  private String refusalSentence;

  Failover(Progress progress, Limits limits, Port port) {
    this.progress = progress;
    this.limits = limits;
    this.port = port;
  }

  /** Begins. */
  void begin() {
    port.place(Set.copyOf(avoided));
  }

  /** A node was found. */
  void placed(long node, long nowNs) {
    if (phase != Phase.PLACING) {
      return;
    }
    phase = Phase.RUNNING;
    attempt++;
    nodeId = node;
    silentTicks = 0;
    renewedTicks = 0;
    resentTicks = limits.renewTicks();
    port.start(attempt, node);
  }

  /** No node can take it now. */
  void nowhere(String sentence, long nowNs) {
    if (phase != Phase.PLACING) {
      return;
    }
    if (!accepted || waitedTicks >= limits.patienceTicks()) {
      giveUp(refusalSentence == null ? sentence : refusalSentence, nowNs);
      return;
    }
    // Some node may come back, one that refused too.
    avoided.clear();
    phase = Phase.WAITING;
  }

  /** A node said something about this request. */
  void onReply(OfAttempt message, long nowNs) {
    if (phase != Phase.RUNNING || message.attempt() != attempt) {
      return;
    }
    silentTicks = 0;
    if (saysAccepted(message)) {
      accepted = true;
      waitedTicks = 0;
      port.accepted();
    }
    switch (message) {
      case GenerationReply.Accepted ok -> {}
      case GenerationReply.Refused refused -> onRefused(refused, nowNs);
      case GenerationReply.Gone gone -> lost(nowNs);
      default -> onProgress(progress.take(message, nowNs), nowNs);
    }
  }

  /** The message that says so may be the one that was lost. */
  private static boolean saysAccepted(OfAttempt message) {
    return switch (message) {
      case GenerationReply.Accepted accepted -> true;
      case GenerationReply.Tokens tokens -> true;
      case GenerationReply.PromptScores scores -> true;
      case GenerationReply.Finished finished -> true;
      case GenerationReply.Embedded embedded -> true;
      case GenerationReply.Alive alive -> alive.sent().length > 0;
      case GenerationReply.Refused refused -> false;
      case GenerationReply.Gone gone -> false;
    };
  }

  private void onRefused(GenerationReply.Refused refused, long nowNs) {
    refusal = code(refused.code());
    refusalSentence = refused.sentence();
    if (refused.elsewhere()) {
      lost(nowNs);
    } else {
      giveUp(refused.sentence(), nowNs);
    }
  }

  private static Code code(String name) {
    for (Code each : Code.values()) {
      if (each.name().equals(name)) {
        return each;
      }
    }
    return Code.NO_NODE;
  }

  private void onProgress(Progress.Taken taken, long nowNs) {
    switch (taken) {
      case Progress.Fine fine -> {
        if (progress.complete()) {
          finish();
        }
      }
      case Progress.Missing missing -> {
        // Asked once a renewal interval: everything behind the gap says the same.
        if (resentTicks >= limits.renewTicks()) {
          resentTicks = 0;
          port.resend(attempt, nodeId, missing.choice(), missing.first());
        }
      }
      case Progress.Lost lost -> lost(nowNs);
    }
  }

  /** A node has left the cluster, or is another life of itself. */
  void onNodeLost(long node, long nowNs) {
    if (phase == Phase.RUNNING && node == nodeId) {
      lost(nowNs);
    }
  }

  /**
   * A node has been silent for much longer than it lately was. Only a first attempt is given up for
   * that: where all nodes are late, the later ones have the whole time.
   */
  void onNodeSuspected(long node, long nowNs) {
    if (attempt == 1) {
      onNodeLost(node, nowNs);
    }
  }

  /** Whether a node owes an answer now: that of {@link #nodeId}. */
  boolean isRunning() {
    return phase == Phase.RUNNING;
  }

  /** Time goes on. */
  void onTick(long nowNs) {
    if (phase == Phase.WAITING) {
      waitedTicks++;
      phase = Phase.PLACING;
      port.place(Set.copyOf(avoided));
    } else if (phase == Phase.RUNNING) {
      silentTicks++;
      resentTicks++;
      renewedTicks++;
      if (silentTicks >= limits.silenceTicks()) {
        lost(nowNs);
      } else if (renewedTicks >= limits.renewTicks()) {
        renewedTicks = 0;
        port.renew(attempt, nodeId);
      }
    }
  }

  private void lost(long nowNs) {
    port.cancel(attempt, nodeId);
    avoided.add(nodeId);
    phase = Phase.PLACING;
    if (attempt >= limits.maxAttempts()) {
      giveUp(
          refusalSentence != null
              ? refusalSentence
              : "the request was given up after " + attempt + " nodes were lost, try again",
          nowNs);
      return;
    }
    port.place(Set.copyOf(avoided));
  }

  private void giveUp(String sentence, long nowNs) {
    if (phase == Phase.RUNNING) {
      port.cancel(attempt, nodeId);
    }
    phase = Phase.OVER;
    if (accepted) {
      progress.abandon(sentence, nowNs);
    } else {
      port.refused(refusal, sentence);
    }
    port.over();
  }

  private void finish() {
    phase = Phase.OVER;
    // The node keeps what it sent until it hears that it has come.
    port.cancel(attempt, nodeId);
    port.over();
  }

  /** The client is gone. */
  void cancel(long nowNs) {
    if (phase == Phase.OVER) {
      return;
    }
    if (phase == Phase.RUNNING) {
      port.cancel(attempt, nodeId);
    }
    phase = Phase.OVER;
    progress.abandon(null, nowNs);
    port.over();
  }

  /** One choice is no longer wanted. */
  void cancelChoice(int choice) {
    if (phase == Phase.OVER) {
      return;
    }
    progress.cancelled(choice);
    if (phase == Phase.RUNNING) {
      port.cancelChoice(attempt, nodeId, choice);
    }
  }

  /** Attempts begun so far. */
  int attempts() {
    return attempt;
  }

  /** The node of the present attempt. */
  long nodeId() {
    return nodeId;
  }

  boolean isAccepted() {
    return accepted;
  }

  boolean isOver() {
    return phase == Phase.OVER;
  }
}
