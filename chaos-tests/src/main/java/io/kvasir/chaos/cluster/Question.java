package io.kvasir.chaos.cluster;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * A greedy completion of exact length. Immutable; each method gives another one.
 *
 * @param body of the HTTP request
 */
public record Question(ObjectNode body) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FIRST_ID = 10;
  private static final int IDS = 200;

  /**
   * Asks for one token behind a prompt of its own for each salt.
   *
   * @param salt so that two prompts differ in their first block
   */
  public static Question of(String model, int promptTokens, int salt) {
    ObjectNode body = JSON.createObjectNode();
    body.put("model", model).put("temperature", 0).put("seed", 7);
    ArrayNode prompt = body.putArray("prompt");
    int state = 31 * salt + 17;
    for (int i = 0; i < promptTokens; i++) {
      state = state * 1_103_515_245 + 12_345;
      prompt.add(FIRST_ID + Math.floorMod(state >>> 8, IDS));
    }
    return new Question(body).tokens(1);
  }

  private ObjectNode copy() {
    return body.deepCopy();
  }

  /** With an answer of so many tokens. */
  public Question tokens(int count) {
    ObjectNode other = copy();
    other.put("max_tokens", count).put("min_tokens", count).put("ignore_eos", true);
    return new Question(other);
  }

  /** With another field of the OpenAI API. */
  public Question with(String field, int value) {
    ObjectNode other = copy();
    other.put(field, value);
    return new Question(other);
  }

  /** Asks this node first. */
  public Question on(String node) {
    ObjectNode other = copy();
    other.withObject("/kvasir").put("node", node);
    return new Question(other);
  }

  /** Lets blocks be loaded from there alone. */
  public Question from(String... sources) {
    ObjectNode other = copy();
    ArrayNode named = other.withObject("/kvasir").putArray("sources");
    List.of(sources).forEach(named::add);
    return new Question(other);
  }

  /** As a part of a session. */
  public Question session(String id) {
    ObjectNode other = copy();
    other.withObject("/kvasir").put("session", id);
    return new Question(other);
  }

  /** Wants to be told why. */
  public Question explained() {
    ObjectNode other = copy();
    other.withObject("/kvasir").put("explain", true);
    return new Question(other);
  }

  Question streamed() {
    ObjectNode other = copy();
    other.put("stream", true);
    other.putObject("stream_options").put("include_usage", true);
    return new Question(other);
  }
}
