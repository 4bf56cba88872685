package io.kvasir.actors.gateway.access;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One request's share of its tenant: a place, and tokens taken for the longest answer it may get.
 * Safe from any thread; ended once, further ends do nothing.
 */
public final class Admission {
  private final Tenant tenant;
  private final long beganNs;
  private final AtomicBoolean ended = new AtomicBoolean();
  private long takenTokens;

  Admission(Tenant tenant, long beganNs) {
    this.tenant = tenant;
    this.beganNs = beganNs;
  }

  /** Whose it is. */
  public Tenant tenant() {
    return tenant;
  }

  /**
   * Takes tokens from the tenant's minute.
   *
   * @param amount prompt and the longest answer together
   * @throws AccessRefusedException 429 when they are not there now, 400 when they never can be
   */
  public synchronized void takeTokens(long amount) {
    tenant.takeTokens(amount);
    takenTokens += amount;
  }

  /** Gives back the place, and the tokens beyond {@code usedTokens}. */
  public void end(long usedTokens) {
    if (ended.compareAndSet(false, true)) {
      synchronized (this) {
        tenant.ended(beganNs, takenTokens - usedTokens);
      }
    }
  }
}
