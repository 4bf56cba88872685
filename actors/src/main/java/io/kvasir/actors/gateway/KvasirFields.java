package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * What a request says about where and how it is served: the {@code kvasir} object, and OpenAI's
 * fields that name whose conversation it is.
 *
 * @param timeout null = not given
 */
record KvasirFields(Duration timeout, OpenAiRequest.Place place) {
  private static final int MAX_SESSION_CHARS = 256;
  private static final int MAX_NODE_CHARS = 256;

  static KvasirFields parse(RequestFields fields) {
    String user = fields.text("user");
    String cacheKey = fields.text("prompt_cache_key");
    RequestFields extension = fields.object("kvasir");
    Long timeoutMs = null;
    String session = null;
    boolean explained = false;
    Directions directions = Directions.NONE;
    if (extension != null) {
      timeoutMs = extension.integer("timeout_ms", 1, Duration.ofDays(1).toMillis());
      session = extension.text("session");
      explained = extension.flag("explain");
      directions = new Directions(node(extension), sources(extension));
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
        new OpenAiRequest.Place(session(session, cacheKey, user), explained, directions));
  }

  private static String node(RequestFields extension) {
    String node = extension.text("node");
    if (node != null && (node.isEmpty() || node.length() > MAX_NODE_CHARS)) {
      throw ApiException.invalidValue(
          "kvasir.node",
          "kvasir.node of %d characters is outside 1 to %d, send a node's name or remove it"
              .formatted(node.length(), MAX_NODE_CHARS));
    }
    return node;
  }

  private static Set<Residence> sources(RequestFields extension) {
    JsonNode given = extension.get("sources");
    if (given == null) {
      return Directions.NONE.sources();
    }
    if (!given.isArray()) {
      throw extension.wrongType("sources", given, "an array of tiers");
    }
    Set<Residence> sources = EnumSet.noneOf(Residence.class);
    for (JsonNode one : given) {
      sources.add(source(one.asText()));
    }
    return sources;
  }

  private static Residence source(String word) {
    for (Residence each : Residence.values()) {
      if (each.name().toLowerCase(Locale.ROOT).equals(word)) {
        return each;
      }
    }
    throw ApiException.invalidValue(
        "kvasir.sources",
        "kvasir.sources names %s, send any of device, host, disk, peer, remote"
            .formatted(RequestFields.shorten(word)));
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
