package io.kvasir.runtime.checkpoint;

import io.kvasir.runtime.checkpoint.jinja.JinjaTemplate;
import io.kvasir.runtime.checkpoint.jinja.TemplateException;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A published chat template: conversation to prompt text. What it renders contains the begin token
 * where the model wants one, so encode it without adding special tokens. Immutable and thread-safe.
 */
public final class ChatTemplate {
  private final JinjaTemplate template;
  private final String bosToken;
  private final String eosToken;
  private final Clock clock;

  /**
   * Reads a template.
   *
   * @param clock what a template that writes the date reads
   * @throws CheckpointException if it cannot be parsed
   */
  public ChatTemplate(String source, String bosToken, String eosToken, Clock clock) {
    try {
      this.template = new JinjaTemplate(source);
    } catch (TemplateException e) {
      throw broken(e);
    }
    this.bosToken = bosToken;
    this.eosToken = eosToken;
    this.clock = clock;
  }

  /**
   * The prompt for a conversation.
   *
   * @param addGenerationPrompt whether the text ends where the assistant's answer starts
   * @throws ConversationRefusedException if the template refuses the conversation
   * @throws CheckpointException if the template cannot be rendered
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    List<Map<String, Object>> turns = new ArrayList<>();
    for (ChatMessage message : messages) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("role", message.role());
      turn.put("content", message.content());
      turns.add(turn);
    }
    return render(turns, addGenerationPrompt, Map.of());
  }

  /**
   * The same for messages with any fields (tool calls, content parts) and with further variables
   * such as {@code tools} or {@code enable_thinking}. Values are strings, numbers, booleans, lists
   * and maps.
   */
  public String render(
      List<? extends Map<String, ?>> messages,
      boolean addGenerationPrompt,
      Map<String, ?> variables) {
    Map<String, Object> bindings = new HashMap<>();
    // Published templates are written for a caller that always passes these two.
    bindings.put("tools", null);
    bindings.put("documents", null);
    bindings.putAll(variables);
    bindings.put("messages", messages);
    bindings.put("add_generation_prompt", addGenerationPrompt);
    bindings.put("bos_token", bosToken);
    bindings.put("eos_token", eosToken);
    try {
      return template.render(bindings, LocalDateTime.now(clock));
    } catch (TemplateException e) {
      if (e.isRefusal()) {
        throw new ConversationRefusedException(e.getMessage(), e);
      }
      throw broken(e);
    }
  }

  private static CheckpointException broken(TemplateException e) {
    return new CheckpointException(
        "the chat template fails with "
            + Problems.quote(String.valueOf(e.getMessage()))
            + ": restore chat_template in tokenizer_config.json or chat_template.jinja.",
        e);
  }
}
