package io.kvasir.runtime.checkpoint.jinja;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * Held against Python: the expectations in cases.json are what Jinja2 3.1.6 prints with {@code
 * trim_blocks}, {@code lstrip_blocks}, loop controls and the plain {@code tojson} with which chat
 * templates are written. They cover the constructs of the published templates one by one, and whole
 * templates of the published shapes over six conversations.
 */
final class JinjaTemplateTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 11, 3, 9, 5);
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void shouldPrintWhatPythonPrints() throws IOException {
    JsonNode root;
    try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("cases.json")) {
      root = JSON.readTree(in);
    }
    List<Executable> checks = new ArrayList<>();
    for (JsonNode c : root.get("cases")) {
      String source = root.get("templates").get(c.get("template").asInt()).asText();
      JsonNode values = root.get("variables").get(c.get("variables").asInt());
      Map<String, Object> variables = JSON.convertValue(values, new TypeReference<>() {});
      checks.add(() -> check(c, source, variables));
    }
    assertTrue(checks.size() > 180, "cases: " + checks.size());
    assertAll(checks);
  }

  private static void check(JsonNode c, String source, Map<String, Object> variables) {
    String name = c.get("name").asText();
    if (c.has("refusal")) {
      var e = assertThrows(TemplateException.class, () -> render(source, variables), name);
      assertTrue(e.isRefusal(), name);
      assertEquals(c.get("refusal").asText(), e.getMessage(), name);
    } else {
      assertEquals(c.get("expected").asText(), render(source, variables), name + ": " + source);
    }
  }

  private static String render(String source, Map<String, ?> variables) {
    return new JinjaTemplate(source).render(variables, NOW);
  }

  @Test
  void shouldNeverRunWhatAMessageSays() {
    String hostile = "{{ 7 * 6 }}{% if true %}x{% endif %}{# c #} kv_s0 \\n";
    assertEquals(hostile, render("{{ m }}", Map.of("m", hostile)));
    assertEquals(hostile, render("{% set t %}{{ m }}{% endset %}{{ t }}", Map.of("m", hostile)));
  }

  @Test
  void shouldKeepJavaOutOfReach() {
    for (String source :
        List.of(
            "{{ 'a'.getClass() }}",
            "{{ ''.class }}",
            "{{ m.getClass().forName('java.lang.Runtime') }}",
            "{{ [].__class__ }}")) {
      String out;
      try {
        out = render(source, Map.of("m", Map.of()));
      } catch (TemplateException e) {
        continue;
      }
      assertFalse(out.contains("java"), source + " printed " + out);
    }
  }

  @Test
  void shouldReportTemplatesThatCannotBeRead() {
    for (String source :
        List.of("{% if x %}", "{{ 'a }}", "{{ (1 }}", "{% for x %}{% endfor %}", "{{ a.b( }}")) {
      var e = assertThrows(TemplateException.class, () -> render(source, Map.of()), source);
      assertFalse(e.isRefusal(), source);
    }
  }

  @Test
  void shouldSurviveDamagedTemplates() throws IOException {
    JsonNode templates;
    try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("cases.json")) {
      templates = JSON.readTree(in).get("templates");
    }
    List<Map<String, String>> messages = List.of(Map.of("role", "user", "content", "hi"));
    assertTimeoutPreemptively(
        Duration.ofMinutes(5),
        () -> {
          for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            String source = templates.get(random.nextInt(templates.size())).asText();
            int from = random.nextInt(source.length() + 1);
            int to = Math.min(source.length(), from + random.nextInt(6));
            String damaged =
                source.substring(0, from)
                    + "(){}[]|.'%~-\"".charAt(random.nextInt(13))
                    + source.substring(to);
            try {
              render(damaged, Map.of("messages", messages));
            } catch (TemplateException expected) {
              assertTrue(expected.getMessage() != null, "seed " + seed);
            }
          }
        });
  }
}
