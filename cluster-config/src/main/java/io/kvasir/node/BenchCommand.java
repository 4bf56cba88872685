package io.kvasir.node;

import io.kvasir.node.bench.EngineBench;
import io.kvasir.runtime.device.WeightFormat;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kvasir bench}: measurements whose figures may be quoted. */
@Command(
    name = "bench",
    description = "Measure this machine.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      BenchCommand.OfEngine.class,
      BenchQualityCommand.class,
      BenchServingCommand.class,
      BenchSingleCommand.class,
      BenchStartCommand.class,
      BenchTransportCommand.class
    })
final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Name a sub-command: engine, quality, serving, serving-single, start or transport.");
  }

  /** {@code kvasir bench engine}. */
  @Command(
      name = "engine",
      description = "Prefill, decode and prefix reuse, beside llama.cpp and Jlama if asked.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class OfEngine implements Callable<Integer> {
    private static final EngineBench.Options DEFAULTS = EngineBench.Options.defaults();

    @Option(names = "--model", paramLabel = "LOCATION", description = "As in serve.")
    private String model = DEFAULTS.model();

    @Option(
        names = "--dtype",
        paramLabel = "TYPE",
        split = ",",
        description = "bf16, int8, int4 (default: bf16,int8).")
    private List<WeightFormat> dtypes = DEFAULTS.dtypes();

    @Option(
        names = "--vs",
        paramLabel = "PEER",
        split = ",",
        description = "Run beside it on the same weights: llama.cpp, jlama.")
    private Set<String> peers = Set.of();

    @Option(names = "--runs", paramLabel = "N", description = "Measured runs (default: 5).")
    private int runs = DEFAULTS.runs();

    @Option(names = "--threads", paramLabel = "N", description = "Default: one per processor.")
    private int threads = DEFAULTS.threads();

    @Option(names = "--seed", paramLabel = "N", description = "Seed of prompts (default: 1).")
    private long seed = DEFAULTS.seed();

    @Option(names = "--json", paramLabel = "FILE", description = "Also write the rows there.")
    private Path json;

    @Option(names = "--strict", description = "Exit with 3 when a goal is missed.")
    private boolean strict;

    @Option(names = "--folder", paramLabel = "DIR", description = "Keeps exported weights.")
    private Path folder = DEFAULTS.folder();

    @Override
    public Integer call() throws Exception {
      return EngineBench.run(
          new EngineBench.Options(model, dtypes, peers, runs, threads, seed, json, strict, folder),
          new PrintStream(System.out, true));
    }
  }
}
