package io.kvasir.node;

import io.kvasir.node.bench.cluster.ClusterBench;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kvasir bench serving}. */
@Command(
    name = "serving",
    description = "A cluster of processes: tiers, routing, failover, sessions, directory.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class BenchServingCommand implements Callable<Integer> {
  private static final ClusterBench.Options DEFAULTS = ClusterBench.Options.defaults();

  @Option(
      names = "--model",
      paramLabel = "LOCATION",
      description = "As in serve; failover of short contexts is measured on the embedded one.")
  private String model = DEFAULTS.model();

  @Option(
      names = "--part",
      paramLabel = "PART",
      split = ",",
      description =
          "Only these: ipc, udp, routing, resume, long, idle, sessions, directory (default: all).")
  private Set<ClusterBench.Part> parts = Set.of();

  @Option(
      names = "--kills",
      paramLabel = "N",
      description = "Nodes killed for the resume gap (default: 20).")
  private int kills = DEFAULTS.kills();

  @Option(names = "--seed", paramLabel = "N", description = "Seed of prompts (default: 1).")
  private long seed = DEFAULTS.seed();

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the rows there.")
  private Path json;

  @Option(names = "--strict", description = "Exit with 3 when a goal is missed.")
  private boolean strict;

  @Option(names = "--quick", description = "Try every part in little time; figures say nothing.")
  private boolean quick;

  @Override
  public Integer call() throws Exception {
    return ClusterBench.run(
        new ClusterBench.Options(model, parts, kills, seed, json, strict, quick),
        new PrintStream(System.out, true));
  }
}
