package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChatTemplateTest {
  private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "hello"));

  @TempDir Path dir;

  private String renderFrom(String tokenizerConfig) throws IOException {
    TinyCheckpoints.write(dir, "llama", 1);
    Files.writeString(dir.resolve("tokenizer_config.json"), tokenizerConfig);
    try (Checkpoint checkpoint = Checkpoint.open(dir.toString())) {
      return checkpoint.chatTemplate().map(t -> t.render(HELLO, true)).orElse("no template");
    }
  }

  @Test
  void shouldTakeTheDefaultOfAListOfTemplates() throws IOException {
    assertEquals(
        "<b>hello",
        renderFrom(
            """
            {"bos_token": {"content": "<b>", "special": true},
             "chat_template": [{"name": "tool_use", "template": "no"},
               {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}"}]}
            """));
  }

  @Test
  void shouldPreferTheTemplateFile() throws IOException {
    Files.createDirectories(dir);
    Files.writeString(dir.resolve("chat_template.jinja"), "file: {{ messages[0].content }}\n");
    assertEquals("file: hello", renderFrom("{\"chat_template\": \"config\"}"));
  }

  @Test
  void shouldOpenFoldersWithoutATemplate() throws IOException {
    assertEquals("no template", renderFrom("{}"));
  }

  @Test
  void shouldRefuseFoldersWithABrokenTemplate() {
    var e =
        assertThrows(
            CheckpointException.class, () -> renderFrom("{\"chat_template\": \"{{ messages\"}"));
    assertTrue(e.getMessage().contains("chat template"), e.getMessage());
  }

  @Test
  void shouldTellRefusedConversationsFromBrokenTemplates() {
    Clock clock = Clock.fixed(Instant.parse("2026-11-23T10:00:00Z"), ZoneOffset.UTC);
    ChatTemplate strict =
        new ChatTemplate("{{ raise_exception('no ' + messages[0].role) }}", "", "", clock);
    var refused =
        assertThrows(ConversationRefusedException.class, () -> strict.render(HELLO, true));
    assertEquals("no user", refused.getMessage());
    ChatTemplate dated = new ChatTemplate("{{ strftime_now('%Y-%m-%d') }}", "", "", clock);
    assertEquals("2026-11-23", dated.render(HELLO, true));
    ChatTemplate broken = new ChatTemplate("{{ nosuch(1) }}", "", "", clock);
    var e = assertThrows(CheckpointException.class, () -> broken.render(HELLO, true));
    assertTrue(!(e instanceof ConversationRefusedException), e.toString());
  }

  @Test
  void shouldPassFurtherFieldsAndVariables() {
    ChatTemplate template =
        new ChatTemplate(
            "{% if tools is none %}plain{% else %}{{ tools | tojson }}{% endif %}"
                + "{{ messages[0].name }}",
            "", "", Clock.systemUTC());
    assertEquals("plain", template.render(HELLO, false));
    assertEquals(
        "[{\"a\": 1}]x",
        template.render(
            List.of(Map.of("role", "user", "name", "x")),
            false,
            Map.of("tools", List.of(Map.of("a", 1)))));
  }
}
