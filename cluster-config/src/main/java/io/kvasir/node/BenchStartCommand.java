package io.kvasir.node;

import io.kvasir.node.bench.StartBench;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kvasir bench start}. */
@Command(
    name = "start",
    description = "How soon a node answers, and the memory that it keeps.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class BenchStartCommand implements Callable<Integer> {
  private static final StartBench.Options DEFAULTS = StartBench.Options.defaults();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "LOCATION",
      description = "Whose start is timed (default: embedded:factbook).")
  private String model = DEFAULTS.model();

  @Option(
      names = "--memory-model",
      paramLabel = "LOCATION",
      description = "Whose memory is read, in bf16 (default: dummy:bench-150m).")
  private String memoryModel = DEFAULTS.memoryModel();

  @Option(names = "--runs", paramLabel = "N", description = "Timed starts (default: 5).")
  private int runs = DEFAULTS.runs();

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the rows there.")
  private Path json;

  @Option(names = "--strict", description = "Exit with 3 when a goal is missed.")
  private boolean strict;

  @Override
  public Integer call() throws Exception {
    return StartBench.run(
        new StartBench.Options(model, memoryModel, runs, json, strict),
        new PrintStream(System.out, true));
  }
}
