package io.kvasir.node;

import io.kvasir.node.bench.transport.TransportBench;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kvasir bench transport}. */
@Command(
    name = "transport",
    description = "Blocks between two processes, beside bare Aeron, TCP and Pekko Artery.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class BenchTransportCommand implements Callable<Integer> {
  private static final TransportBench.Options DEFAULTS = TransportBench.Options.defaults();

  @Option(names = "--runs", paramLabel = "N", description = "Measured runs (default: 9).")
  private int runs = DEFAULTS.runs();

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the rows there.")
  private Path json;

  @Option(names = "--strict", description = "Exit with 3 when a goal is missed.")
  private boolean strict;

  @Override
  public Integer call() throws Exception {
    return TransportBench.run(
        new TransportBench.Options(runs, json, strict), new PrintStream(System.out, true));
  }
}
