package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.access.Tenant;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/** A tenant's standing in the headers that OpenAI's clients know. Stateless. */
final class RateLimitHeaders {
  private RateLimitHeaders() {}

  /** Only bounds that exist are told. */
  static List<HttpHeader> of(Tenant tenant) {
    Tenant.Standing standing = tenant.standing();
    List<HttpHeader> headers = new ArrayList<>(6);
    if (standing.limitRequests() > 0) {
      add(
          headers,
          "requests",
          standing.limitRequests(),
          standing.remainingRequests(),
          standing.resetRequestsNs());
    }
    if (standing.limitTokens() > 0) {
      add(
          headers,
          "tokens",
          standing.limitTokens(),
          standing.remainingTokens(),
          standing.resetTokensNs());
    }
    return headers;
  }

  private static void add(
      List<HttpHeader> headers, String what, int limit, long remaining, long resetNs) {
    headers.add(RawHeader.create("x-ratelimit-limit-" + what, Integer.toString(limit)));
    headers.add(RawHeader.create("x-ratelimit-remaining-" + what, Long.toString(remaining)));
    headers.add(RawHeader.create("x-ratelimit-reset-" + what, duration(resetNs)));
  }

  /** {@code 1m30s}, {@code 2s}, {@code 120ms}. */
  static String duration(long ns) {
    long ms = (ns + 999_999) / 1_000_000;
    if (ms < 1000) {
      return ms + "ms";
    }
    long seconds = (ms + 999) / 1000;
    return (seconds >= 60 ? seconds / 60 + "m" : "") + seconds % 60 + "s";
  }
}
