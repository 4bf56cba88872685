package io.kvasir.node;

import io.kvasir.node.bench.QualityBench;
import io.kvasir.runtime.device.WeightFormat;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code kvasir bench quality}. */
@Command(
    name = "quality",
    description = "Held-out factbook questions over HTTP, for each weight format.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class BenchQualityCommand implements Callable<Integer> {
  private static final QualityBench.Options DEFAULTS = QualityBench.Options.defaults();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "LOCATION",
      description = "A factbook model (default: embedded:factbook).")
  private String model = DEFAULTS.model();

  @Option(names = "--questions", paramLabel = "N", description = "Default: 600.")
  private int questions = DEFAULTS.questions();

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      split = ",",
      description = "Weight formats, the yardstick first (default: bf16,int8,int4).")
  private List<WeightFormat> dtypes = DEFAULTS.dtypes();

  @Option(names = "--threads", paramLabel = "N", description = "Default: one per processor.")
  private int threads = DEFAULTS.threads();

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the rows there.")
  private Path json;

  @Option(names = "--strict", description = "Exit with 3 when a goal is missed.")
  private boolean strict;

  @Override
  public Integer call() throws Exception {
    return QualityBench.run(
        new QualityBench.Options(model, questions, dtypes, threads, json, strict),
        new PrintStream(System.out, true));
  }
}
