package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.SplittableRandom;

/** Requests of the cluster bench: prompts of token ids that follow from a seed. Immutable. */
record Orders(String model, int vocabulary, long seed) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Special ids come first in a vocabulary. */
  private static final int FIRST_PLAIN_ID = 3;

  /** A prompt of its own; the same index gives the same tokens. */
  int[] prompt(long index, int tokens) {
    return new SplittableRandom(seed * 1_000_003 + index)
        .ints(tokens, FIRST_PLAIN_ID, vocabulary)
        .toArray();
  }

  /** A greedy completion of exactly that many tokens, wherever the gateway likes. */
  ObjectNode completion(int[] prompt, int answerTokens) {
    ObjectNode order = JSON.createObjectNode().put("model", model);
    ArrayNode ids = order.putArray("prompt");
    for (int id : prompt) {
      ids.add(id);
    }
    return exactly(order, answerTokens);
  }

  /** A greedy chat answer of exactly that many tokens. */
  ObjectNode chat(String text, int answerTokens) {
    ObjectNode order = JSON.createObjectNode().put("model", model);
    order.putArray("messages").addObject().put("role", "user").put("content", text);
    return exactly(order, answerTokens);
  }

  private static ObjectNode exactly(ObjectNode order, int tokens) {
    return order
        .put("max_tokens", tokens)
        .put("min_tokens", tokens)
        .put("ignore_eos", true)
        .put("temperature", 0);
  }

  /** Names the node, and the tiers it may load from. */
  static ObjectNode at(ObjectNode order, String node, List<String> sources) {
    ObjectNode placed = order.deepCopy();
    ObjectNode own = placed.putObject("kvasir").put("node", node);
    sources.forEach(own.putArray("sources")::add);
    return placed;
  }

  /** Names the tiers that a node may load from. */
  static ObjectNode from(ObjectNode order, List<String> sources) {
    ObjectNode limited = order.deepCopy();
    sources.forEach(limited.putObject("kvasir").putArray("sources")::add);
    return limited;
  }
}
