package io.kvasir.actors.session;

import java.time.Duration;

/** What one session remembers. No clock of its own; one thread. */
final class SessionState {
  private String tenant;
  private Sessions.Use last;
  private long lastUseNs;
  private long requests;

  /** It was used; a use that names another tenant is not of this session. */
  void note(String byTenant, Sessions.Use use, long nowNs) {
    if (tenant == null) {
      tenant = byTenant;
    }
    if (tenant.equals(byTenant)) {
      last = use;
      lastUseNs = nowNs;
      requests++;
    }
  }

  /** The last use, if this tenant may know it; else null. */
  Sessions.Use last(String forTenant) {
    return tenant != null && tenant.equals(forTenant) ? last : null;
  }

  long requests() {
    return requests;
  }

  /** Milliseconds since the last use. */
  long idleMs(long nowNs) {
    return (nowNs - lastUseNs) / 1_000_000;
  }

  /**
   * It leaves memory. Its KV is demoted only after it has been idle for a while: a shard that moves
   * puts busy sessions away, too.
   */
  void putAway(Duration demoteAfter, Demoter demoter, long nowNs) {
    if (last != null && nowNs - lastUseNs >= demoteAfter.toNanos()) {
      demoter.demote(tenant, last);
    }
  }
}
