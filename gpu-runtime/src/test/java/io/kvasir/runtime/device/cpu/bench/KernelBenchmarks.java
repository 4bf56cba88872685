package io.kvasir.runtime.device.cpu.bench;

import java.util.Collection;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs the kernel benchmarks under the allocation profiler and fails if one allocates. Takes JMH's
 * own arguments, such as {@code -p format=BF16 -p rows=1 Linear}.
 */
public final class KernelBenchmarks {
  /** What the harness itself may allocate in an operation, in bytes. */
  private static final double ALLOWED_BYTES = 64;

  private KernelBenchmarks() {}

  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Options options =
        new OptionsBuilder()
            .parent(new CommandLineOptions(args))
            .addProfiler(GCProfiler.class)
            .build();
    Collection<RunResult> results = new Runner(options).run();
    int allocating = 0;
    for (RunResult result : results) {
      Result<?> bytes = result.getSecondaryResults().get("gc.alloc.rate.norm");
      if (bytes != null && bytes.getScore() > ALLOWED_BYTES) {
        System.out.println(result.getParams() + " allocates " + bytes.getScore() + " B/op");
        allocating++;
      }
    }
    if (allocating > 0) {
      System.exit(3);
    }
  }
}
