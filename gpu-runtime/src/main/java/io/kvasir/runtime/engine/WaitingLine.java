package io.kvasir.runtime.engine;

import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Who waits for a cache: the policy orders the tickets, this counts the choices behind them. With a
 * leader wait all choices that hang on it, though it alone has a ticket. Engine thread.
 */
final class WaitingLine {
  private final SchedulingPolicy policy;
  private final RequestTable requests;

  /** Choices submitted and never admitted; whoever submits counts them up. */
  private final AtomicLong waitingRoom;

  private int choices;

  WaitingLine(SchedulingPolicy policy, RequestTable requests, AtomicLong waitingRoom) {
    this.policy = policy;
    this.requests = requests;
    this.waitingRoom = waitingRoom;
  }

  /** Choices that wait now, preempted ones included. */
  int choices() {
    return choices;
  }

  void enter(ActiveRequest r, boolean preempted) {
    policy.waiting(r.ticket, preempted);
    r.queued = true;
    for (ActiveRequest each : r.group.choices) {
      if (each == r || !r.group.forked && each.finish == null) {
        setWaiting(each, true);
      }
    }
  }

  /** Choices that were submitted will never wait. */
  void turnedAway(int submittedChoices) {
    waitingRoom.addAndGet(-submittedChoices);
  }

  /** Who is to be admitted next, or null. */
  ActiveRequest next(long nowNs) {
    Ticket ticket = policy.next(nowNs);
    return ticket == null ? null : requests.of(ticket);
  }

  /** {@link #next} has got a cache. Returns whether it is the first time. */
  boolean admitted(ActiveRequest r, long nowNs) {
    policy.admitted(r.ticket);
    policy.removed(r.ticket);
    r.queued = false;
    r.admittedNs = nowNs;
    boolean first = r.firstAdmittedNs < 0;
    for (ActiveRequest each : r.group.choices) {
      if (each == r || !r.group.forked && each.finish == null) {
        setWaiting(each, false);
        if (each.firstAdmittedNs < 0) {
          each.firstAdmittedNs = nowNs;
          waitingRoom.decrementAndGet();
        }
      }
    }
    return first;
  }

  /** A choice has ended, waiting or not. */
  void ended(ActiveRequest r) {
    if (r.queued) {
      policy.removed(r.ticket);
      r.queued = false;
    }
    setWaiting(r, false);
    if (r.firstAdmittedNs < 0) {
      waitingRoom.decrementAndGet();
    }
  }

  private void setWaiting(ActiveRequest r, boolean value) {
    choices += (value ? 1 : 0) - (r.waits ? 1 : 0);
    r.waits = value;
  }
}
