package io.kvasir.transport.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(ProcessExtension.class)
final class ProcessFixtureTest {
  private static final Duration BOUND = Duration.ofSeconds(60);

  @TempDir private Path folder;

  /** Says that it is ready and answers each line of its input until that ends. */
  static final class Echo {
    private Echo() {}

    public static void main(String[] args) throws IOException {
      System.out.println("ready " + ProcessHandle.current().pid());
      System.err.println("a word on stderr");
      StringBuilder line = new StringBuilder();
      for (int c = System.in.read(); c >= 0; c = System.in.read()) {
        if (c == '\n') {
          System.out.println("echo " + line);
          line.setLength(0);
        } else {
          line.append((char) c);
        }
      }
    }
  }

  /** A parent with one running and one stopped child, for somebody to kill. */
  static final class Parent {
    private Parent() {}

    public static void main(String[] args) throws IOException {
      ProcessFixture fixture = new ProcessFixture(Path.of(args[0]));
      ChildProcess running = fixture.launch("running", List.of("sleep", "1000"));
      ChildProcess stopped = fixture.launch("stopped", List.of("sleep", "1000"));
      stopped.pause();
      System.out.println("children " + running.pid() + " " + stopped.pid());
      System.in.read();
    }
  }

  @Test
  void shouldPauseResumeAndTerminateAJvm(ProcessFixture fixture) throws IOException {
    ChildProcess child = fixture.start(JvmSpec.of("echo", Echo.class).withReady("^ready \\d+"));
    assertEquals("ready " + child.pid(), child.awaitLine("ready.*", BOUND).group());
    child.pause();
    child.send("hello");
    assertFalse(Files.readString(child.stdout()).contains("echo"));
    child.resume();
    child.awaitLine("echo hello", BOUND);
    child.terminate();
    assertEquals(128 + 15, child.awaitExit(BOUND));
    assertTrue(child.lastWords().contains("a word on stderr"), child.lastWords());
  }

  @Test
  void shouldFailWithTheLogsOfAChildThatEndsBeforeItIsReady(ProcessFixture fixture) {
    AssertionError failure =
        assertThrows(
            AssertionError.class,
            () ->
                fixture.start(
                    JvmSpec.of("absent", Echo.class)
                        .withClassPath(folder.toString())
                        .withReady("ready")));
    assertTrue(failure.getMessage().contains("ClassNotFoundException"), failure.getMessage());
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    fixture.printLogs(new PrintStream(printed, true, StandardCharsets.UTF_8));
    assertTrue(printed.toString(StandardCharsets.UTF_8).contains("--- absent stderr"));
  }

  @Test
  void shouldEndPausedAndRunningChildrenOnClose() {
    ChildProcess running;
    ChildProcess paused;
    try (ProcessFixture fixture = new ProcessFixture(folder)) {
      running = fixture.launch("running", List.of("sleep", "1000"));
      paused = fixture.launch("paused", List.of("sleep", "1000"));
      paused.pause();
    }
    assertEquals(128 + 9, running.awaitExit(BOUND));
    assertEquals(128 + 9, paused.awaitExit(BOUND));
  }

  @Test
  void shouldTakeTheChildrenAlongWhenTheParentIsKilled(ProcessFixture fixture) {
    ChildProcess parent =
        fixture.start(
            JvmSpec.of("parent", Parent.class, folder.toString())
                .withReady("^children \\d+ \\d+$"));
    String[] pids = parent.awaitLine("^children .*", BOUND).group().split(" ");
    long running = Long.parseLong(pids[1]);
    long stopped = Long.parseLong(pids[2]);
    assertFalse(ProcStat.of(running).isGone());
    assertTrue(ProcStat.of(stopped).isStopped());
    parent.kill();
    TestTime.await(BOUND, () -> "the running child is gone", () -> ProcStat.of(running).isGone());
    TestTime.await(BOUND, () -> "the stopped child is gone", () -> ProcStat.of(stopped).isGone());
  }

  @Test
  void shouldRefuseASecondChildOfTheSameName(ProcessFixture fixture) {
    fixture.launch("twin", List.of("sleep", "1000"));
    assertThrows(
        IllegalArgumentException.class, () -> fixture.launch("twin", List.of("sleep", "1000")));
  }

  @Test
  void shouldGivePortsThatNoOtherJvmGets(ProcessFixture fixture) {
    List<Integer> own = List.of(FreePorts.next(), FreePorts.next(), FreePorts.next());
    assertEquals(3, own.stream().distinct().count());
    ChildProcess other =
        fixture.start(
            JvmSpec.of("ports", Ports.class, own.getFirst().toString()).withReady("^port \\d+$"));
    int theirs = Integer.parseInt(other.awaitLine("^port (\\d+)$", BOUND).group(1));
    assertFalse(own.contains(theirs), own + " contain " + theirs);
  }

  /** Asks for ports from the place where the caller began, and prints the first that it gets. */
  static final class Ports {
    private Ports() {}

    public static void main(String[] args) {
      System.out.println("port " + FreePorts.from(Integer.parseInt(args[0])));
    }
  }

  @Test
  void shouldReadTheTimeFactor() {
    assertEquals(2.5, TestTime.read("2.5"));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> TestTime.read("fast"))
            .getMessage()
            .contains("kvasir.test.timeFactor=fast"));
  }
}
