package io.kvasir.runtime.checkpoint;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.RenderResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A published chat template: conversation to prompt text. Thread-safe. */
public final class ChatTemplate {
  private final String source;
  private final String bosToken;
  private final String eosToken;
  private final Jinjava jinjava;

  ChatTemplate(String source, String bosToken, String eosToken) {
    this.source = source;
    this.bosToken = bosToken;
    this.eosToken = eosToken;
    // Nested interpretation would run template code found in a message.
    this.jinjava =
        new Jinjava(JinjavaConfig.newBuilder().withNestedInterpretationEnabled(false).build());
  }

  /**
   * The prompt for a conversation.
   *
   * @throws CheckpointException if the template refuses the conversation or cannot be rendered
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    return render(messages, addGenerationPrompt, Map.of());
  }

  /** The same with further variables, such as {@code enable_thinking}. */
  public String render(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, ?> variables) {
    List<Map<String, Object>> turns = new ArrayList<>();
    for (ChatMessage message : messages) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("role", message.role());
      turn.put("content", message.content());
      turns.add(turn);
    }
    Map<String, Object> bindings = new HashMap<>(variables);
    bindings.put("messages", turns);
    bindings.put("add_generation_prompt", addGenerationPrompt);
    bindings.put("bos_token", bosToken);
    bindings.put("eos_token", eosToken);
    RenderResult result = jinjava.renderForResult(source, bindings);
    if (result.hasErrors()) {
      throw new CheckpointException(
          "the chat template cannot be rendered: " + result.getErrors().get(0).getMessage());
    }
    return result.getOutput();
  }
}
