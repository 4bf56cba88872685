package io.kvasir.node;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.actors.gateway.Example;
import java.util.List;

/** A request body that a person can paste into a shell. */
final class Curl {
  private Curl() {}

  static String chat(String model, List<Example> examples) {
    String content = "Hello";
    if (!examples.isEmpty()) {
      Example example = examples.getFirst();
      content = example.document() + "\n" + example.questions().getFirst();
    }
    ObjectNode body = new ObjectMapper().createObjectNode();
    body.put("model", model).put("stream", true);
    body.putArray("messages").addObject().put("role", "user").put("content", content);
    // Inside single quotes of a shell.
    return body.toString().replace("'", "'\\''");
  }
}
