package io.kvasir.runtime.device.cpu.bench;

import java.util.Collection;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs the kernel benchmarks under the allocation profiler and fails if one allocates. Takes JMH's
 * own arguments, such as {@code -p format=BF16 -p rows=1 Linear}.
 */
public final class KernelBenchmarks {
  /** The harness allocates a little each iteration; a kernel that allocates does so far faster. */
  private static final double ALLOWED_MEGABYTES_PER_SECOND = 0.5;

  private KernelBenchmarks() {}

  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    CommandLineOptions asked = new CommandLineOptions(args);
    ChainedOptionsBuilder options =
        new OptionsBuilder().parent(asked).addProfiler(GCProfiler.class);
    if (asked.getIncludes().isEmpty()) {
      options.include(KernelBenchmarks.class.getPackageName());
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    int allocating = 0;
    for (RunResult result : results) {
      Result<?> rate = result.getSecondaryResults().get("gc.alloc.rate");
      if (rate != null && rate.getScore() > ALLOWED_MEGABYTES_PER_SECOND) {
        System.out.println(
            result.getParams().getBenchmark() + " allocates " + rate.getScore() + " MB/s");
        allocating++;
      }
    }
    if (allocating > 0) {
      System.exit(3);
    }
  }
}
