package io.kvasir.node.bench.transport;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What SIGINT and SIGTERM leave of a bench: no process and no file. Workers are killed in what they
 * do, the hosts' drivers that they started (which ignore a terminal's SIGINT, because they serve
 * other nodes too) are told to end. Not for a process with other children.
 */
final class Interruption {
  private static final long END_NS = TimeUnit.SECONDS.toNanos(20);
  private final List<Path> folders;
  private final Thread hook = new Thread(this::cleanUp, "bench-interruption");

  private Interruption(List<Path> folders) {
    this.folders = folders;
  }

  /**
   * Stands by until {@link #over}.
   *
   * @param folders deleted with all that is inside
   */
  static Interruption guard(List<Path> folders) {
    Interruption interruption = new Interruption(folders);
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  private void cleanUp() {
    List<ProcessHandle> workers = ProcessHandle.current().children().toList();
    List<ProcessHandle> drivers = workers.stream().flatMap(ProcessHandle::descendants).toList();
    workers.forEach(ProcessHandle::destroyForcibly);
    try {
      end(drivers);
      awaitEnd(workers.stream());
      for (Path folder : folders) {
        Pair.deleteAll(folder);
      }
    } catch (IOException | IllegalStateException e) {
      System.err.println("kvasir bench transport could not clean up: " + e.getMessage());
    }
  }

  /** Ends drivers in order, or by force when that takes too long. */
  static void end(List<ProcessHandle> drivers) {
    drivers.forEach(ProcessHandle::destroy);
    try {
      awaitEnd(drivers.stream());
    } finally {
      drivers.forEach(ProcessHandle::destroyForcibly);
    }
  }

  private static void awaitEnd(Stream<ProcessHandle> processes) {
    List<ProcessHandle> all = processes.toList();
    Waiting.until("ended: " + all, END_NS, () -> all.stream().noneMatch(ProcessHandle::isAlive));
  }

  /** The bench came to its end by itself. */
  void over() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException shuttingDown) {
      // The hook runs, and finds what is left.
    }
  }
}
