package io.kvasir.actors.gateway;

import java.time.Duration;

/**
 * What a request says about where and how it is served: the {@code kvasir} object, and OpenAI's
 * fields that name whose conversation it is.
 *
 * @param timeout null = not given
 */
record KvasirFields(Duration timeout, OpenAiRequest.Place place) {
  private static final int MAX_SESSION_CHARS = 256;

  static KvasirFields parse(RequestFields fields) {
    String user = fields.text("user");
    String cacheKey = fields.text("prompt_cache_key");
    RequestFields extension = fields.object("kvasir");
    Long timeoutMs = null;
    String session = null;
    boolean explained = false;
    if (extension != null) {
      timeoutMs = extension.integer("timeout_ms", 1, Duration.ofDays(1).toMillis());
      session = extension.text("session");
      explained = extension.flag("explain");
      extension.refuseOthers(UnservedFields.NONE);
    }
    if (session != null && (session.isEmpty() || session.length() > MAX_SESSION_CHARS)) {
      throw ApiException.invalidValue(
          "kvasir.session",
          "kvasir.session of %d characters is outside 1 to %d, change or remove it"
              .formatted(session.length(), MAX_SESSION_CHARS));
    }
    return new KvasirFields(
        timeoutMs == null ? null : Duration.ofMillis(timeoutMs),
        new OpenAiRequest.Place(session(session, cacheKey, user), explained));
  }

  /** OpenAI's fields have no bound of their own: a longer one is no session. */
  private static String session(String own, String cacheKey, String user) {
    for (String each : new String[] {own, cacheKey, user}) {
      if (each != null && !each.isEmpty() && each.length() <= MAX_SESSION_CHARS) {
        return each;
      }
    }
    return null;
  }
}
