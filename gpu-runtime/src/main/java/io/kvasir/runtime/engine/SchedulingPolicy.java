package io.kvasir.runtime.engine;

import java.util.List;

/**
 * Who enters, who gives way, and what stays: one pure decision maker per engine. It sees tickets
 * and times, never tokens or memory; the engine calls it from its own thread and obeys.
 */
public interface SchedulingPolicy {
  /**
   * A request, or one choice of it, as the scheduler knows it. Times are on the engine's injected
   * monotonic clock.
   *
   * @param choice the leader, choice 0 unless that had ended before the request was resumed, stands
   *     for the whole request until its prompt is computed; afterwards each choice that was
   *     preempted comes back with its own ticket
   * @param maxTokens asked for: of the leader those of all choices together
   */
  record Ticket(
      long requestId,
      int choice,
      String tenant,
      long arrivalNs,
      long deadlineNs,
      int promptTokens,
      int maxTokens) {}

  /** A ticket that holds cache now. */
  record Running(Ticket ticket, long admittedNs, int cachedTokens, int generatedTokens) {}

  /** A request waits from now on; also called for one that was preempted. */
  void waiting(Ticket ticket, boolean preempted);

  /** A waiting request is gone: cancelled, past its deadline, or just admitted. */
  void removed(Ticket ticket);

  /** The request to admit next, or null if none waits. Asking again without a change repeats it. */
  Ticket next(long nowNs);

  /** {@code next} was admitted; its cost is charged to its tenant. Called before removed. */
  void admitted(Ticket ticket);

  /**
   * Memory is short: which running request gives up its cache to be recomputed later.
   *
   * @param running at least two, in order of admission
   * @return one of them
   */
  Running victim(List<Running> running, long nowNs);

  /**
   * How many of a finished request's cached tokens stay reusable (whole blocks, least recently used
   * first out); 0 drops them at once.
   */
  int keepTokens(Running finished, FinishReason reason);
}
