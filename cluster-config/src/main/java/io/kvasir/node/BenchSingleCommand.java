package io.kvasir.node;

import io.kvasir.node.bench.EngineBench;
import io.kvasir.node.bench.ServingBench;
import io.kvasir.runtime.device.WeightFormat;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kvasir bench serving-single}. */
@Command(
    name = "serving-single",
    description = "One node under load over HTTP, up to ten times what it can do.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class BenchSingleCommand implements Callable<Integer> {
  private static final ServingBench.Options DEFAULTS = ServingBench.Options.defaults();

  @Option(names = "--model", paramLabel = "LOCATION", description = "As in serve.")
  private String model = DEFAULTS.model();

  @Option(names = "--dtype", paramLabel = "TYPE", description = "bf16, int8, int4 (default: bf16).")
  private WeightFormat dtype = DEFAULTS.dtype();

  @Option(
      names = "--part",
      paramLabel = "PART",
      split = ",",
      description = "Only these: closed, poisson, overload, idle.")
  private Set<ServingBench.Part> parts = Set.of();

  @Option(
      names = "--vs",
      paramLabel = "PEER",
      description = "Run beside it on the same requests: llama.cpp.")
  private String peer;

  @Option(names = "--seconds", paramLabel = "S", description = "Of each load (default: 20).")
  private double seconds = DEFAULTS.windowSeconds();

  @Option(
      names = "--overload-seconds",
      paramLabel = "S",
      description = "Of the overload (default: 60).")
  private double overloadSeconds = DEFAULTS.overloadSeconds();

  @Option(names = "--threads", paramLabel = "N", description = "Default: one per processor.")
  private int threads = DEFAULTS.threads();

  @Option(names = "--seed", paramLabel = "N", description = "Seed of requests (default: 1).")
  private long seed = DEFAULTS.seed();

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the rows there.")
  private Path json;

  @Option(names = "--strict", description = "Exit with 3 when a goal is missed.")
  private boolean strict;

  @Option(names = "--folder", paramLabel = "DIR", description = "Keeps exported weights.")
  private Path folder = DEFAULTS.folder();

  @Override
  public Integer call() throws Exception {
    if (peer != null && !peer.equals(EngineBench.LLAMA_CPP)) {
      throw new IllegalArgumentException(
          "--vs has peer " + peer + ", known is " + EngineBench.LLAMA_CPP);
    }
    return ServingBench.run(
        new ServingBench.Options(
            model,
            dtype,
            parts,
            peer != null,
            seconds,
            overloadSeconds,
            threads,
            seed,
            json,
            strict,
            folder),
        new PrintStream(System.out, true));
  }
}
