package io.kvasir.runtime.device.cpu.bench;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.WeightFormat;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Locale;

/**
 * A quick table of the kernels at the shapes of bench-150m: best of N, one line per case; first the
 * ceilings, a plain read of a large array and multiply-adds on registers. With one thread times are
 * CPU times. Arguments: threads, rounds, and the only formats to run.
 */
public final class KernelBench {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Long enough for C2, which must not compile on a core that is being measured. */
  private static final long WARM_UP_NS = 1_500_000_000L;

  private static boolean alone;

  private KernelBench() {}

  public static void main(String[] args) {
    int threads = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 8;
    alone = threads == 1;
    String only = args.length > 2 ? args[2] : "";
    try (Device device = Devices.cpu(threads)) {
      System.out.println(device.name() + ", JDK " + Runtime.version());
      double read = PlainRead.gigabytesPerSecond(threads, rounds);
      print("plain read of 512 MiB, GB/s", read, "");
      double ceiling = FmaCeiling.gigaflopsPerSecond(threads, rounds);
      print("multiply-adds on registers, GFLOP/s", ceiling, "");
      for (WeightFormat format : WeightFormat.values()) {
        if (only.isEmpty() || List.of(only.split(",")).contains(format.name())) {
          linear(device, format, rounds, read, ceiling);
        }
      }
      if (only.isEmpty() || only.contains("ATTENTION")) {
        attention(device, rounds);
      }
    }
  }

  private static void linear(
      Device device, WeightFormat format, int rounds, double read, double ceiling) {
    BenchModel model = new BenchModel(device, format, 512);
    double one = best(rounds, () -> model.step(1));
    double rate = model.weightBytes() / one / 1e9;
    print(
        format + " 1 row, GB/s",
        rate,
        String.format(Locale.ROOT, "%.0f %% of read, %.1f ms", 100 * rate / read, one * 1e3));
    for (int rows : new int[] {2, 4, 8, 16, 512}) {
      double time = best(rows > 16 ? Math.max(2, rounds / 3) : rounds, () -> model.step(rows));
      double rateOfRows = model.flops(rows) / time / 1e9;
      print(
          format + " " + rows + " rows, GFLOP/s",
          rateOfRows,
          String.format(
              Locale.ROOT,
              "%.0f %% of registers', %.1f tok/s, %.2f x one row, %.1f ms",
              100 * rateOfRows / ceiling,
              rows / time,
              time / one,
              time * 1e3));
    }
    model.close();
  }

  private static void attention(Device device, int rounds) {
    for (PageEncoding encoding : PageEncoding.values()) {
      for (int[] shape : new int[][] {{512, 512}, {1, 1024}, {16, 1024}, {1, 8192}}) {
        BenchAttention attention =
            new BenchAttention(device, encoding, shape[0] == 16 ? 16 : 1, shape[0], shape[1]);
        double time = best(rounds, attention::run);
        print(
            "attention " + encoding + " rows " + shape[0] + " entries " + shape[1] + ", GFLOP/s",
            attention.flops() / time / 1e9,
            String.format(
                Locale.ROOT,
                "%.3f ms a layer, K and V once %.1f GB/s",
                time * 1e3,
                attention.bytes() / time / 1e9));
        attention.close();
      }
    }
  }

  /** Seconds of the fastest of {@code rounds}, after rounds that only warm up. */
  static double best(int rounds, Runnable work) {
    long warmNs = System.nanoTime() + WARM_UP_NS;
    do {
      work.run();
    } while (System.nanoTime() < warmNs);
    double best = Double.MAX_VALUE;
    for (int i = 0; i < rounds; i++) {
      long start = now();
      work.run();
      best = Math.min(best, (now() - start) * 1e-9);
    }
    return best;
  }

  /** CPU time where the caller does all the work, so that a busy machine disturbs little. */
  private static long now() {
    return alone ? THREADS.getCurrentThreadCpuTime() : System.nanoTime();
  }

  private static void print(String what, double value, String note) {
    System.out.printf(Locale.ROOT, "%-52s %8.1f  %s%n", what, value, note);
  }

  /** Keeps the store mode in one place for all benchmarks. */
  static final Kernels.Store STORE = Kernels.Store.SET;
}
