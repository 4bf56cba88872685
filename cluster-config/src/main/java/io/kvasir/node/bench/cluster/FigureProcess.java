package io.kvasir.node.bench.cluster;

import io.kvasir.actors.directory.DirectoryBench.Figure;
import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import io.kvasir.node.bench.BenchRow.Goal;
import io.kvasir.node.cluster.ChildCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs {@link FigureWorker} and makes rows of what it prints. One thread. */
final class FigureProcess {
  private static final long LIMIT_SECONDS = 300;

  private FigureProcess() {}

  /**
   * Measures in a child JVM.
   *
   * @param heapMib of the child
   * @param log takes what it logs
   * @param arguments see {@link FigureWorker#main}
   * @throws IOException naming the log when it does not come to its end
   */
  static void run(BenchReport report, int heapMib, Path log, String... arguments)
      throws IOException, InterruptedException {
    // A node's collector, and a heap as an operator's KVASIR_HEAP makes it: pauses are part of a
    // lookup's tail.
    List<String> flags = new ArrayList<>(BenchCluster.COLLECTOR);
    flags.addAll(ChildCommand.heap(heapMib, heapMib + "m"));
    List<String> command = ChildCommand.of(heapMib, flags, FigureWorker.class, List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    // Nothing outlives this process.
    Thread hook = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(hook);
    int count = 0;
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Figure figure = FigureWorker.parse(line);
        if (figure != null) {
          report.add(row(figure));
          count++;
        }
      }
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)
          || process.exitValue() != 0
          || count == 0) {
        throw new IOException(
            "measuring %s gave %d figures, see %s".formatted(arguments[0], count, log));
      }
    } finally {
      process.destroyForcibly();
      Runtime.getRuntime().removeShutdownHook(hook);
    }
  }

  static BenchRow row(Figure figure) {
    Goal goal = figure.atLeast() ? Goal.atLeast(figure.goal()) : Goal.atMost(figure.goal());
    return BenchRow.judged(figure.name(), figure.value(), figure.unit(), goal, "");
  }
}
