package io.kvasir.node.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one node running as a child process: a node that crashes, or that the cluster has removed,
 * is started again; one that was told to stop, or refuses its configuration, is not. The child
 * reads its standard input and ends when that does, so that it does not outlive this process,
 * however this one ends. Thread-safe; own threads.
 */
public final class NodeKeeper implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NodeKeeper.class);

  /** A node that the cluster has removed: its state is gone, a new life may join. */
  static final int EXIT_REMOVED = 4;

  /** The configuration is refused: another start would end the same way. */
  static final int EXIT_CONFIGURATION = 2;

  private static final int SIGNALLED = 128;
  private static final int SIGINT = 2;
  private static final int SIGTERM = 15;

  private final String name;
  private final List<String> command;
  private final RestartPolicy policy;
  private final ProcessBuilder.Redirect errors;
  private final Consumer<String> lines;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CountDownLatch stop = new CountDownLatch(1);
  private Process process;
  private int lives;
  private boolean again;
  private volatile int exitCode;

  /**
   * Starts the node.
   *
   * @param lines takes what the node prints, on a thread of this keeper
   */
  NodeKeeper(String name, List<String> command, RestartPolicy policy, Consumer<String> lines) {
    this(name, command, policy, ProcessBuilder.Redirect.INHERIT, lines);
  }

  /**
   * Starts the node.
   *
   * @param errors takes what it logs
   * @param lines takes what the node prints, on a thread of this keeper
   */
  public NodeKeeper(
      String name,
      List<String> command,
      RestartPolicy policy,
      ProcessBuilder.Redirect errors,
      Consumer<String> lines) {
    this.name = name;
    this.command = List.copyOf(command);
    this.policy = policy;
    this.errors = errors;
    this.lines = lines;
    Thread.ofPlatform().daemon().name("keeper-" + name).start(this::keep);
  }

  private void keep() {
    try {
      while (stop.getCount() > 0) {
        long startNs = System.nanoTime();
        Process child = launch();
        if (child == null) {
          return;
        }
        read(child);
        exitCode = child.waitFor();
        if (stop.getCount() == 0 || !(takeAgain() || isRestarted(exitCode))) {
          return;
        }
        Duration wait = policy.ended(Duration.ofNanos(System.nanoTime() - startNs));
        lines.accept(
            "Node %s ended with %d%s, starting it again in %d ms"
                .formatted(
                    name,
                    exitCode,
                    exitCode == EXIT_REMOVED ? " (removed from the cluster)" : "",
                    wait.toMillis()));
        if (stop.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
      }
    } catch (IOException failure) {
      lines.accept("Node %s cannot be started: %s".formatted(name, failure.getMessage()));
      exitCode = 1;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      ended.countDown();
    }
  }

  private synchronized boolean takeAgain() {
    boolean wanted = again;
    again = false;
    return wanted;
  }

  static boolean isRestarted(int exitCode) {
    return exitCode != 0
        && exitCode != EXIT_CONFIGURATION
        && exitCode != SIGNALLED + SIGINT
        && exitCode != SIGNALLED + SIGTERM;
  }

  private synchronized Process launch() throws IOException {
    if (stop.getCount() == 0) {
      return null;
    }
    process = new ProcessBuilder(command).redirectError(errors).start();
    lives++;
    return process;
  }

  private void read(Process child) {
    BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
    try {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.accept(line);
      }
    } catch (IOException closed) {
      // By stop(): what is left is to wait for its end.
      return;
    }
  }

  /** Kills the present life, which is followed by another. */
  synchronized void kill() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  /** Tells the present life to drain and to end; another one follows. */
  synchronized void restart() {
    if (process != null) {
      again = true;
      process.destroy();
    }
  }

  /**
   * Sends the present life a signal.
   *
   * @param signal as {@code kill} names it
   * @throws IOException when it cannot be sent
   */
  void signal(String signal) throws IOException, InterruptedException {
    String[] kill = {"kill", "-" + signal, Long.toString(pid())};
    int code = new ProcessBuilder(kill).redirectErrorStream(true).start().waitFor();
    if (code != 0) {
      throw new IOException(
          "SIG%s to node %s, process %d, ended with %d".formatted(signal, name, pid(), code));
    }
  }

  /** Lives begun so far. */
  public synchronized int lives() {
    return lives;
  }

  /** Process id of the present or last life; 0 before the first. */
  public synchronized long pid() {
    return process == null ? 0 : process.pid();
  }

  /** Exit code of the last life that has ended. */
  public int exitCode() {
    return exitCode;
  }

  /** Whether it has ended for good, at once or within the time. */
  public boolean awaitEnd(Duration limit) throws InterruptedException {
    return ended.await(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Tells the node to drain and end; returns at once. */
  public synchronized void stop() {
    stop.countDown();
    if (process == null) {
      ended.countDown();
    } else {
      process.destroy();
    }
  }

  /**
   * Tells the node to drain and end with all others of its cluster, which therefore take nothing
   * over from it; returns at once.
   */
  synchronized void stopWithAll() {
    if (process != null) {
      try (OutputStream pipe = process.getOutputStream()) {
        pipe.write(ParentWatch.ALL_END);
      } catch (IOException gone) {
        // It has ended, or ends in the long way.
        LOG.debug("node {} is not told that all nodes end", name, gone);
      }
    }
    stop();
  }

  /** Stops it, without patience. */
  @Override
  public void close() {
    stop();
    synchronized (this) {
      if (process != null) {
        process.destroyForcibly();
      }
    }
  }
}
