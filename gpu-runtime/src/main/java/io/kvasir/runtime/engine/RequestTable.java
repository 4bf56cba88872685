package io.kvasir.runtime.engine;

import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** All requests inside the engine by id, and which of them are due to end. Engine thread. */
final class RequestTable {
  private final Map<Long, RequestGroup> byId = new HashMap<>();
  private long nextExpiryNs = Long.MAX_VALUE;
  private boolean cancels;

  void add(RequestGroup group) {
    byId.put(group.request.id(), group);
    nextExpiryNs = Math.min(nextExpiryNs, group.leader().ticket.deadlineNs());
  }

  ActiveRequest of(Ticket ticket) {
    return byId.get(ticket.requestId()).choices[ticket.choice()];
  }

  boolean isEmpty() {
    return byId.isEmpty();
  }

  /** Marks all choices of a request; unknown ids are ignored. */
  void cancel(long requestId) {
    RequestGroup group = byId.get(requestId);
    if (group != null) {
      for (ActiveRequest r : group.choices) {
        r.cancelled = true;
      }
      cancels = true;
    }
  }

  /** Marks one choice; unknown ones are ignored. */
  void cancel(long requestId, int choice) {
    RequestGroup group = byId.get(requestId);
    if (group != null && choice >= 0 && choice < group.choices.length) {
      group.choices[choice].cancelled = true;
      cancels = true;
    }
  }

  /**
   * Choices that were cancelled or are past their deadline. A leader cancelled alone stays until it
   * has computed the prompt for the others.
   */
  List<ActiveRequest> due(long nowNs) {
    if (!cancels && nowNs < nextExpiryNs) {
      return List.of();
    }
    List<ActiveRequest> due = new ArrayList<>();
    long next = Long.MAX_VALUE;
    for (RequestGroup group : byId.values()) {
      for (ActiveRequest r : group.choices) {
        if (r.finish != null) {
          continue;
        }
        boolean late = r.ticket.deadlineNs() <= nowNs;
        if (late || r.cancelled && !group.needsLeader(r)) {
          due.add(r);
        } else {
          next = Math.min(next, r.ticket.deadlineNs());
        }
      }
    }
    nextExpiryNs = next;
    cancels = false;
    return due;
  }

  /** A choice has ended; the request goes with its last one. */
  void ended(ActiveRequest r) {
    if (--r.group.live == 0) {
      byId.remove(r.request.id());
    }
  }

  /** Every choice that has not ended. */
  List<ActiveRequest> all() {
    List<ActiveRequest> all = new ArrayList<>();
    for (RequestGroup group : byId.values()) {
      for (ActiveRequest r : group.choices) {
        if (r.finish == null) {
          all.add(r);
        }
      }
    }
    return all;
  }
}
