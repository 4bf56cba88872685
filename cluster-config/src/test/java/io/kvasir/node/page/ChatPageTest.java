package io.kvasir.node.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.node.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The chat page in Chromium against launched nodes, as a person uses it. */
@Tag("browser")
final class ChatPageTest {
  private static final int WIDE = 1280;
  private static final int PHONE = 390;
  private static final String ANSWERED =
      "document.querySelectorAll('.assistant .strip').length === ";

  @TempDir static Path folder;
  private static NodeProcess node;
  private static Chromium chromium;

  @BeforeAll
  static void start() throws Exception {
    chromium = Chromium.start(Files.createDirectory(folder.resolve("profile")));
    node = NodeProcess.serve(folder, "--model", "embedded:factbook", "--port", "0");
  }

  @AfterAll
  static void stop() {
    if (chromium != null) {
      chromium.close();
    }
    if (node != null) {
      node.close();
    }
  }

  private static Tab open(NodeProcess on, int width) throws IOException {
    Tab tab = chromium.open(on.url() + "/", width, 844);
    tab.await("!document.querySelector('#send').disabled");
    return tab;
  }

  private static Tab openExamples(int width) throws IOException {
    Tab tab = open(node, width);
    tab.await("document.querySelector('#questions button:not(:disabled)')");
    return tab;
  }

  /** The word of the document that answers the n-th example question. */
  private static String expected(Tab tab, int question) throws IOException {
    String[] words =
        tab.text("#questions button:nth-child(" + question + ")").replace("?", "").split(" ");
    // What does Happy Lynx fear?
    String fact = words[words.length - 1];
    Matcher found =
        Pattern.compile("\\b" + fact + "(?:s|es) (\\w+)")
            .matcher(tab.evaluate("document.querySelector('#document').value").asText());
    assertTrue(found.find(), fact);
    return found.group(1);
  }

  @Test
  void shouldAnswerAnExampleQuestionAndShowWhereThePromptCameFrom() throws Exception {
    Tab tab = openExamples(WIDE);
    String right = expected(tab, 1);
    tab.click("#questions button");
    tab.await(ANSWERED + 1);
    assertEquals(right, tab.text(".assistant .text").strip());
    assertTrue(tab.text(".assistant .figures").contains("to the first token"));
    // The same again is found in the cache, but for the row that gives the first token.
    tab.click(".again");
    tab.await(ANSWERED + 2);
    assertEquals(right, tab.text(".assistant:last-child .text").strip());
    int share =
        tab.evaluate("+document.querySelector('.assistant:last-child .strip').dataset.share")
            .asInt();
    assertTrue(share > 50, "cached share " + share + " %");
    assertEquals(
        share + " percent of the prompt came from the cache",
        tab.evaluate(
                "document.querySelector('.assistant:last-child .strip').getAttribute('aria-label')")
            .asText());
  }

  @Test
  void shouldBeUsableByKeyboardAlone() throws Exception {
    Tab tab = openExamples(WIDE);
    tab.await("document.activeElement.id === 'question'");
    String question = tab.text("#questions button");
    String right = expected(tab, 1);
    tab.type("Never sent");
    tab.press("Enter", true);
    tab.await("document.querySelector('#question').value === 'Never sent\\n'");
    tab.evaluate("document.querySelector('#question').select()");
    tab.type(question);
    tab.press("Enter", false);
    tab.await(ANSWERED + 1);
    assertEquals(right, tab.text(".assistant .text").strip());
    tab.await("document.activeElement.id === 'question'");
    tab.press("ArrowUp", false);
    assertEquals(question, tab.evaluate("document.querySelector('#question').value").asText());
    // Backwards from the composer lie the questions.
    tab.press("Tab", true);
    tab.await("document.activeElement.matches('#questions button')");
    tab.press("Enter", false);
    tab.await(ANSWERED + 2);
    JsonNode nameless =
        tab.evaluate(
            """
            [...document.querySelectorAll("button, input, textarea, select")]
              .filter((e) => !(e.labels && e.labels.length) && !e.ariaLabel && !e.textContent.trim())
              .map((e) => e.outerHTML)\
            """);
    assertEquals("[]", nameless.toString());
  }

  @Test
  void shouldFitAPhone() throws Exception {
    Tab tab = openExamples(PHONE);
    String fits = "document.documentElement.scrollWidth <= innerWidth";
    assertTrue(tab.evaluate(fits).asBoolean());
    tab.click("#open");
    tab.await("document.querySelector('#side').classList.contains('shown')");
    tab.evaluate("{ const e = document.querySelector('#examples'); e.value = 2; e.onchange(); }");
    assertTrue(tab.evaluate(fits).asBoolean());
    tab.press("Escape", false);
    tab.await("!document.querySelector('#side').classList.contains('shown')");
    String right = expected(tab, 1);
    tab.click("#questions button");
    tab.await(ANSWERED + 1);
    assertEquals(right, tab.text(".assistant .text").strip());
    assertTrue(tab.evaluate(fits).asBoolean());
    // The composer is on the screen, above everything.
    assertTrue(
        tab.evaluate(
                """
                (() => {
                  const r = document.querySelector("#send").getBoundingClientRect();
                  const hit = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
                  return r.bottom <= innerHeight && hit.id === "send";
                })()\
                """)
            .asBoolean());
  }

  @Test
  void shouldStopOnTheServerWhatTheButtonOrEscapeStops() throws Exception {
    try (NodeProcess endless =
        NodeProcess.serveEndless(Files.createTempDirectory(folder, "endless"))) {
      Tab tab = open(endless, WIDE);
      tab.evaluate("document.querySelector('details').open = true");
      tab.click("#maxTokens");
      tab.type("50000");
      for (int stopped = 1; stopped <= 2; stopped++) {
        tab.click("#question");
        tab.type("Talk");
        tab.press("Enter", false);
        tab.await("document.querySelector('.running .text')?.textContent.length > 20");
        if (stopped == 1) {
          tab.click("#stop");
        } else {
          tab.press("Escape", false);
        }
        tab.await("document.querySelectorAll('.stopped').length === " + stopped);
        assertTrue(tab.evaluate("!document.querySelector('#send').hidden").asBoolean());
        tab.await(
            """
            (await fetch('/metrics').then((r) => r.text()))
              .match(/^kvasir_requests_cancelled_total(?:\\{.*\\})? (.*)$/m)[1] ==\
            """
                + stopped);
      }
      assertEquals(0, endless.metric("kvasir_kv_leases"));
      assertEquals(0, endless.metric("vllm:num_requests_running"));
    }
  }

  @Test
  void shouldShowTheServersSentenceAndAskForAKeyWhereOneIsNeeded() throws Exception {
    Tab tab = openExamples(WIDE);
    tab.evaluate("document.querySelector('details').open = true");
    tab.click("#temperature");
    tab.type("-3");
    tab.click("#questions button");
    tab.await("document.querySelector('.problem')");
    assertTrue(
        tab.text(".problem").startsWith("temperature=-3 is out of range"), tab.text(".problem"));

    String[] key = NodeProcess.createKey("acme");
    Path config = Files.writeString(folder.resolve("tenants.conf"), key[1]);
    try (NodeProcess closed =
        NodeProcess.serve(
            Files.createDirectory(folder.resolve("closed")),
            "--config",
            config.toString(),
            "--model",
            "embedded:factbook",
            "--port",
            "0")) {
      Tab guarded = open(closed, WIDE);
      guarded.await("!document.querySelector('#keyBox').hidden");
      guarded.click("#question");
      guarded.type("Anything?");
      guarded.press("Enter", false);
      guarded.await("document.querySelector('.problem')");
      assertTrue(guarded.text(".problem").contains("no API key"), guarded.text(".problem"));
      guarded.await("document.activeElement.id === 'key'");
      guarded.type(key[0]);
      guarded.await("document.querySelector('#questions button:not(:disabled)')");
      guarded.click("#questions button");
      guarded.await(ANSWERED + 1);
    }
  }
}
