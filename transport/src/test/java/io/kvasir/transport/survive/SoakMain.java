package io.kvasir.transport.survive;

import io.kvasir.transport.media.TestDriver;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A soak in a JVM of its own, whose heap is small and touched from the start, so that its resident
 * memory shows what grows: one pair of nodes on one driver (shared memory), one sealed pair over
 * UDP between two drivers. Prints a line a tenth of the time; {@link SoakTest} judges them.
 */
final class SoakMain {
  private static final int SAMPLES = 10;

  private SoakMain() {}

  /** Argument: seconds. */
  public static void main(String[] args) throws IOException {
    long seconds = Long.parseLong(args[0]);
    TestDriver here = new TestDriver();
    TestDriver there = new TestDriver();
    long leases;
    long failures;
    try (SoakPair shared = new SoakPair(1, here, here, false);
        SoakPair sealed = new SoakPair(3, here, there, true)) {
      long startNs = System.nanoTime();
      long endNs = startNs + TimeUnit.SECONDS.toNanos(seconds);
      List<CompletableFuture<Void>> running = List.of(start(shared, endNs), start(sealed, endNs));
      for (int sample = 1; sample <= SAMPLES; sample++) {
        long atNs = startNs + (endNs - startNs) / SAMPLES * sample;
        TestTime.await(
            Duration.ofSeconds(seconds + 60),
            () -> "the next sample",
            () ->
                System.nanoTime() >= atNs
                    || running.stream().anyMatch(CompletableFuture::isCompletedExceptionally));
        print(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startNs), shared, sealed);
      }
      running.forEach(CompletableFuture::join);
      leases = shared.leases() + sealed.leases();
      failures = shared.failures() + sealed.failures();
    }
    awaitNoLogs(here);
    awaitNoLogs(there);
    long errors = here.errorCount() + there.errorCount();
    here.close();
    there.close();
    boolean left = Files.exists(here.path()) || Files.exists(there.path());
    System.out.println(
        "end leases=%d failures=%d driverErrors=%d foldersLeft=%s"
            .formatted(leases, failures, errors, left));
  }

  private static CompletableFuture<Void> start(SoakPair pair, long endNs) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                while (System.nanoTime() < endNs) {
                  pair.round();
                }
                done.complete(null);
              } catch (Throwable e) {
                done.completeExceptionally(e);
              }
            });
    return done;
  }

  private static void print(long seconds, SoakPair shared, SoakPair sealed) throws IOException {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long directBytes =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .mapToLong(BufferPoolMXBean::getMemoryUsed)
            .sum();
    System.out.println(
        "soak seconds=%d rounds=%d/%d movedMB=%d/%d heapKiB=%d directKiB=%d residentKiB=%d"
            .formatted(
                seconds,
                shared.rounds(),
                sealed.rounds(),
                shared.movedBytes() / 1_000_000,
                sealed.movedBytes() / 1_000_000,
                (runtime.totalMemory() - runtime.freeMemory()) >> 10,
                directBytes >> 10,
                anonymousKib()));
  }

  /** Resident memory without files: heap, native memory, stacks, code. */
  private static long anonymousKib() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(l -> l.startsWith("RssAnon:")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", ""));
    }
  }

  /** The driver frees logs some seconds after their last user; then none may be left. */
  private static void awaitNoLogs(TestDriver driver) {
    TestTime.await(
        Duration.ofSeconds(120),
        () -> "logs are left in " + driver.folder(),
        () -> driver.logFileCount() == 0);
  }
}
