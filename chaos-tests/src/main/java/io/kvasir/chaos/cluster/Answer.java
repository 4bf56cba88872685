package io.kvasir.chaos.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * A whole answer, whose prompt's sources add up (A15).
 *
 * @param texts one a choice
 * @param promptTokens of the prompt
 * @param device from the device's own cache
 * @param host from its host's memory
 * @param peer from another node
 * @param computed run through the model
 * @param node that ended it
 * @param attempts nodes that were asked
 * @param explanation empty unless asked for
 */
public record Answer(
    List<String> texts,
    int promptTokens,
    int device,
    int host,
    int peer,
    int computed,
    String node,
    int attempts,
    JsonNode explanation) {
  private static final List<String> SOURCES =
      List.of(
          "device_hit_tokens",
          "host_tokens",
          "disk_tokens",
          "peer_tokens",
          "remote_tokens",
          "reused_tokens",
          "recomputed_tokens");

  /**
   * Reads the usage of an answer.
   *
   * @throws IllegalStateException when its sources do not add up to the prompt
   */
  static Answer of(List<String> texts, JsonNode usage, JsonNode explanation) {
    JsonNode accounting = usage.path("kvasir");
    int sum = 0;
    for (String source : SOURCES) {
      if (!accounting.path(source).isInt()) {
        throw new IllegalStateException("the accounting has no " + source + ": " + usage);
      }
      sum += accounting.path(source).intValue();
    }
    int prompt = usage.path("prompt_tokens").intValue();
    if (sum != prompt || prompt == 0) {
      throw new IllegalStateException(
          "the sources are %d tokens of a prompt of %d: %s".formatted(sum, prompt, usage));
    }
    return new Answer(
        List.copyOf(texts),
        prompt,
        accounting.path("device_hit_tokens").intValue(),
        accounting.path("host_tokens").intValue(),
        accounting.path("peer_tokens").intValue(),
        accounting.path("recomputed_tokens").intValue(),
        accounting.path("node").asText(),
        accounting.path("attempts").intValue(),
        explanation);
  }

  /** The first choice. */
  public String text() {
    return texts.getFirst();
  }

  /** Prompt tokens that were not computed. */
  public int hit() {
    return promptTokens - computed;
  }

  /**
   * Prompt tokens that the router believed to be cached on a node: on its device, or where it could
   * load them from.
   */
  public int credit(String name) {
    for (JsonNode route : explanation.path("nodes")) {
      if (route.path("node").asText().equals(name)) {
        return route.path("device_tokens").intValue() + route.path("load_tokens").intValue();
      }
    }
    throw new IllegalStateException(name + " was not considered: " + explanation);
  }

  /** Names of the nodes that the router considered. */
  public List<String> considered() {
    List<String> names = new ArrayList<>();
    explanation.path("nodes").forEach(route -> names.add(route.path("node").asText()));
    return names;
  }

  /** Where the prompt came from. */
  public String sources() {
    return "device %d, host %d, peers %d, computed %d of %d tokens"
        .formatted(device, host, peer, computed, promptTokens);
  }
}
