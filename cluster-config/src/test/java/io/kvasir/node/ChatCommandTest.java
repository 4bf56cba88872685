package io.kvasir.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code kvasir chat} as a process: behind a pipe, and on a terminal. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ChatCommandTest {
  @TempDir private Path folder;

  private record Outcome(int code, String out, String err) {}

  private static List<String> chat(String... arguments) {
    List<String> command = NodeProcess.command("chat");
    command.addAll(List.of(arguments));
    return command;
  }

  private Outcome pipe(String input, String... arguments) throws Exception {
    Path err = folder.resolve("chat.err");
    Process process = new ProcessBuilder(chat(arguments)).redirectError(err.toFile()).start();
    try (OutputStream to = process.getOutputStream()) {
      to.write(input.getBytes(StandardCharsets.UTF_8));
    }
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), out, Files.readString(err));
  }

  /** A process on a pseudo-terminal, which is what util-linux' script gives it. */
  private static final class OnTerminal implements AutoCloseable {
    private final Process process;
    private final InputStream from;
    private final StringBuilder shown = new StringBuilder();

    OnTerminal(List<String> command) throws IOException {
      String line =
          command.stream()
              .map(word -> "'" + word.replace("'", "'\\''") + "'")
              .collect(Collectors.joining(" "));
      // Where the build runs in the background it ignores SIGINT, and so would all that it starts.
      process =
          new ProcessBuilder(
                  "env",
                  "--default-signal=INT",
                  "script",
                  "-qfec",
                  "stty cols 120 rows 40; exec " + line,
                  "/dev/null")
              .redirectErrorStream(true)
              .start();
      from = process.getInputStream();
    }

    void type(String keys) throws IOException {
      process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    }

    /** Reads until it was shown, and forgets what came before. */
    void await(String text) throws IOException {
      byte[] chunk = new byte[4096];
      for (int at = shown.indexOf(text); at < 0; at = shown.indexOf(text)) {
        int count = from.read(chunk);
        assertTrue(count > 0, "ended without '" + text + "': " + shown);
        shown.append(new String(chunk, 0, count, StandardCharsets.ISO_8859_1));
      }
      shown.delete(0, shown.indexOf(text) + text.length());
    }

    int end() throws Exception {
      from.readAllBytes();
      return process.waitFor();
    }

    @Override
    public void close() {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  @Test
  void shouldAnswerALineEachFromAPipeWithANodeOfItsOwn() throws Exception {
    Outcome outcome =
        pipe("/example\nWhat does Happy Lynx fear?\nWhat does Happy Lynx teach?\n", "--no-stream");
    assertEquals(0, outcome.code(), outcome.err());
    assertEquals(List.of("whirlpools", "cooking"), outcome.out().lines().toList());
    assertTrue(outcome.err().contains("1 token"), outcome.err());
    assertTrue(outcome.err().contains(" cached ("), outcome.err());
  }

  @Test
  void shouldStopTheAnswerAndNotTheProgramOnCtrlC() throws Exception {
    try (NodeProcess node = NodeProcess.serveEndless(folder);
        OnTerminal terminal = new OnTerminal(chat("--url", node.url(), "--max-tokens", "50000"))) {
      terminal.await("endless");
      terminal.await("lists commands");
      for (int stopped = 1; stopped <= 2; stopped++) {
        // What the model says is random: it has begun when the node counts its tokens.
        double before = node.metric("vllm:generation_tokens_total");
        terminal.type("Talk\r");
        while (node.metric("vllm:generation_tokens_total") <= before) {
          Thread.onSpinWait();
        }
        terminal.type("\003");
        terminal.await("stopped");
        terminal.await("token");
        while (node.metric("kvasir_requests_cancelled_total") < stopped) {
          Thread.onSpinWait();
        }
      }
      terminal.type("/reset\r");
      terminal.await("forgotten");
      terminal.type("/quit\r");
      assertEquals(0, terminal.end());
    }
  }

  @Test
  void shouldEndWithTheServersSentence() throws Exception {
    try (NodeProcess node = NodeProcess.serveEndless(folder)) {
      Outcome outcome = pipe("Hello\nnever asked\n", "--url", node.url(), "--model", "other");
      assertEquals(1, outcome.code(), outcome.err());
      assertEquals("", outcome.out());
      assertTrue(outcome.err().contains("kvasir: model other is not served here"), outcome.err());
    }
    // A port of the system's that nobody may listen on.
    Outcome unreachable = pipe("Hello\n", "--url", "http://127.0.0.1:1/v1/");
    assertEquals(1, unreachable.code(), unreachable.err());
    assertTrue(
        unreachable.err().contains("http://127.0.0.1:1 cannot be reached"), unreachable.err());
  }
}
