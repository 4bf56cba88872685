package io.kvasir.runtime.engine;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The default policy: deficit round robin over tenants by tokens asked for (prompt + max_tokens),
 * arrival order inside a tenant. A preempted request goes to the front of its tenant's queue and is
 * not charged again. The victim is the youngest admission, so the oldest always finishes.
 * Everything a finished request cached is kept, except after an error.
 */
public final class DeficitRoundRobin implements SchedulingPolicy {
  private final int quantumTokens;
  private final Map<String, Tenant> tenants = new LinkedHashMap<>();
  private final ArrayDeque<Tenant> round = new ArrayDeque<>();

  /**
   * @param quantumTokens what a tenant may spend per turn; larger turns are coarser but rarer
   */
  public DeficitRoundRobin(int quantumTokens) {
    if (quantumTokens < 1) {
      throw new IllegalArgumentException(
          "quantumTokens=" + quantumTokens + " must be at least 1, 1024 suits most loads");
    }
    this.quantumTokens = quantumTokens;
  }

  @Override
  public void waiting(Ticket ticket, boolean preempted) {
    Tenant tenant = tenants.computeIfAbsent(ticket.tenant(), Tenant::new);
    if (tenant.queue.isEmpty()) {
      round.addLast(tenant);
    }
    if (preempted) {
      tenant.queue.addFirst(new Entry(ticket, 0));
    } else {
      tenant.queue.addLast(new Entry(ticket, ticket.promptTokens() + ticket.maxTokens()));
    }
  }

  @Override
  public void removed(Ticket ticket) {
    Tenant tenant = tenants.get(ticket.tenant());
    if (tenant != null) {
      tenant.queue.removeIf(e -> e.ticket.equals(ticket));
      if (tenant.queue.isEmpty()) {
        // An idle tenant keeps no credit, and its entry costs no memory.
        round.remove(tenant);
        tenants.remove(tenant.name);
      }
    }
  }

  @Override
  public Ticket next(long nowNs) {
    while (!round.isEmpty()) {
      Tenant tenant = round.peekFirst();
      Entry head = tenant.queue.peekFirst();
      if (tenant.deficit >= head.cost || round.size() == 1) {
        return head.ticket;
      }
      tenant.deficit += quantumTokens;
      if (tenant.deficit < head.cost) {
        round.addLast(round.pollFirst());
      }
    }
    return null;
  }

  @Override
  public void admitted(Ticket ticket) {
    Tenant tenant = tenants.get(ticket.tenant());
    Entry head = tenant.queue.peekFirst();
    tenant.deficit = Math.max(0, tenant.deficit - head.cost);
    if (round.size() > 1 && tenant.queue.size() > 1) {
      Entry following = null;
      int seen = 0;
      for (Entry e : tenant.queue) {
        if (seen++ == 1) {
          following = e;
          break;
        }
      }
      if (tenant.deficit < following.cost) {
        round.remove(tenant);
        round.addLast(tenant);
      }
    }
  }

  @Override
  public Running victim(List<Running> running, long nowNs) {
    Running youngest = running.getFirst();
    for (Running r : running) {
      if (r.admittedNs() >= youngest.admittedNs()) {
        youngest = r;
      }
    }
    return youngest;
  }

  @Override
  public int keepTokens(Running finished, FinishReason reason) {
    return reason == FinishReason.ERROR ? 0 : finished.cachedTokens();
  }

  private record Entry(Ticket ticket, int cost) {}

  private static final class Tenant {
    private final String name;
    private final ArrayDeque<Entry> queue = new ArrayDeque<>();
    private long deficit;

    private Tenant(String name) {
      this.name = name;
    }
  }
}
