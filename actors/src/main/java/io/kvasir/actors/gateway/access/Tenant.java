package io.kvasir.actors.gateway.access;

import io.kvasir.actors.gateway.access.AccessRefusedException.Reason;
import io.kvasir.actors.settings.TenantSettings;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/** A tenant at work: its bounds, and what of them is used. Safe from any thread. */
public final class Tenant {
  private static final double SECOND_NS = 1e9;

  private final TenantSettings settings;
  private final LongSupplier clockNs;
  private final AtomicInteger inProgress = new AtomicInteger();
  private final Sojourn sojourn = new Sojourn(1);
  private final MinuteBudget requests;
  private final MinuteBudget tokens;

  /**
   * A tenant with nothing used.
   *
   * @param clockNs monotonic
   */
  public Tenant(TenantSettings settings, LongSupplier clockNs) {
    this.settings = settings;
    this.clockNs = clockNs;
    this.requests = budget(settings.requestsPerMinute());
    this.tokens = budget(settings.tokensPerMinute());
  }

  private MinuteBudget budget(int perMinute) {
    return perMinute == 0 ? null : new MinuteBudget(perMinute, clockNs);
  }

  /** Label of metrics and salt of block keys. */
  public String name() {
    return settings.name();
  }

  /**
   * Takes a place for one request, before its body is read.
   *
   * @throws AccessRefusedException 429 when a bound is reached; nothing is taken then
   */
  public Admission begin() {
    int bound = settings.maxRequests();
    if (inProgress.incrementAndGet() > bound && bound > 0) {
      inProgress.decrementAndGet();
      throw new AccessRefusedException(
          Reason.REQUESTS,
          sojourn.retryAfterSeconds(),
          "tenant %s has %d requests in progress, its limit, wait for one to end"
              .formatted(name(), bound));
    }
    try {
      if (tokens != null && tokens.remaining() < 1) {
        throw outOfTokens(1);
      }
      if (requests != null && !requests.take(1)) {
        throw new AccessRefusedException(
            Reason.REQUESTS,
            seconds(requests.waitNs(1)),
            "tenant %s has used its %d requests per minute, try again in %d s"
                .formatted(name(), requests.perMinute(), seconds(requests.waitNs(1))));
      }
    } catch (AccessRefusedException refused) {
      inProgress.decrementAndGet();
      throw refused;
    }
    return new Admission(this, clockNs.getAsLong());
  }

  /**
   * Checks that the tenant may name the model.
   *
   * @throws AccessRefusedException 403
   */
  public void checkModel(String model) {
    if (!mayUse(model)) {
      throw new AccessRefusedException(
          Reason.MODEL,
          "model %s is not open to tenant %s, ask for one that GET /v1/models lists"
              .formatted(model, name()));
    }
  }

  /** True when the tenant may name the model. */
  public boolean mayUse(String model) {
    return settings.models().isEmpty() || settings.models().contains(model);
  }

  /** The tenant's context, at most {@code modelTokens}. */
  public int contextTokens(int modelTokens) {
    return settings.maxContextTokens() == 0
        ? modelTokens
        : Math.min(settings.maxContextTokens(), modelTokens);
  }

  /** Requests in progress. */
  public int inProgress() {
    return inProgress.get();
  }

  /** Where the tenant stands; a bound of 0 = none. */
  public Standing standing() {
    return new Standing(
        requests == null ? 0 : requests.perMinute(),
        requests == null ? 0 : requests.remaining(),
        requests == null ? 0 : requests.waitNs(requests.perMinute()),
        tokens == null ? 0 : tokens.perMinute(),
        tokens == null ? 0 : tokens.remaining(),
        tokens == null ? 0 : tokens.waitNs(tokens.perMinute()));
  }

  /**
   * What is left of the bounds per minute, and the time until all is there again.
   *
   * @param limitRequests 0 = unbounded
   * @param limitTokens 0 = unbounded
   */
  public record Standing(
      int limitRequests,
      long remainingRequests,
      long resetRequestsNs,
      int limitTokens,
      long remainingTokens,
      long resetTokensNs) {}

  void takeTokens(long amount) {
    if (tokens == null) {
      return;
    }
    if (amount > tokens.perMinute()) {
      throw new AccessRefusedException(
          Reason.SIZE,
          "the request may use %d tokens, tenant %s has %d per minute, lower max_tokens or shorten the prompt"
              .formatted(amount, name(), tokens.perMinute()));
    }
    if (!tokens.take(amount)) {
      throw outOfTokens(amount);
    }
  }

  private AccessRefusedException outOfTokens(long amount) {
    int seconds = seconds(tokens.waitNs(amount));
    return new AccessRefusedException(
        Reason.TOKENS,
        seconds,
        "tenant %s has %d of its %d tokens per minute left and the request may use %d, lower max_tokens or try again in %d s"
            .formatted(name(), tokens.remaining(), tokens.perMinute(), amount, seconds));
  }

  void ended(long beganNs, long unusedTokens) {
    inProgress.decrementAndGet();
    sojourn.ended(clockNs.getAsLong() - beganNs);
    if (tokens != null && unusedTokens > 0) {
      tokens.giveBack(unusedTokens);
    }
  }

  private static int seconds(long ns) {
    return Math.max(1, (int) Math.ceil(ns / SECOND_NS));
  }
}
