package io.kvasir.node.bench;

/**
 * What a load gave in its window. Times in milliseconds on the client's clock, of requests that
 * ended in the window. For one thread.
 *
 * <p>{@code gapMs} are times between two reads of a stream that brought text: what a person sees of
 * inter-token latency, also where one read brings several tokens.
 */
final class LoadFigures {
  final Samples firstTokenMs = new Samples();
  final Samples gapMs = new Samples();
  final Samples totalMs = new Samples();
  final Samples refusedMs = new Samples();

  /** Requests that ended neither whole nor refused, and answers of the wrong length. */
  int broken;

  /** Arrivals for which the client had no connection left: a figure with any is void. */
  int unsent;

  double seconds;

  /** Generated in the window, by the engine's own count. */
  long tokens;

  /** Processor time of the whole process, client included, over the window's. */
  double coresUsed;

  double tokensPerSecond() {
    return tokens / seconds;
  }

  /** Adds percentiles of all three latencies, each with its number of samples. */
  void addLatencies(String name, BenchReport report) {
    add(name + " TTFT", firstTokenMs, report);
    add(name + " ITL", gapMs, report);
    add(name + " end to end", totalMs, report);
  }

  private static void add(String name, Samples samples, BenchReport report) {
    String note = "n=" + samples.count();
    for (int percent : new int[] {50, 95, 99}) {
      double value = samples.percentile(percent / 100.0);
      report.add(
          new BenchRow(name + " p" + percent, value, "ms", null, null, null, null, null, note));
    }
  }
}
