package io.kvasir.node.bench;

import java.util.Map;

/**
 * What a load gave in its window. Times in milliseconds on the client's clock, of requests that
 * ended in the window. For one thread.
 *
 * <p>{@code gaps} are the times between two reads of a stream that brought text: what a person sees
 * of inter-token latency, also where one read brings several tokens.
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

  double tokensPerSecond() {
    return tokens / seconds;
  }

  /** Adds percentiles of all three latencies, each with its number of samples. */
  void addLatencies(String name, BenchReport report) {
    for (Map.Entry<String, Samples> one :
        Map.of("1 TTFT", firstTokenMs, "2 ITL", gapMs, "3 end to end", totalMs).entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .toList()) {
      Samples samples = one.getValue();
      String what = name + " " + one.getKey().substring(2);
      for (int percent : new int[] {50, 95, 99}) {
        report.add(
            new BenchRow(
                what + " p" + percent,
                samples.percentile(percent / 100.0),
                "ms",
                null,
                null,
                null,
                null,
                null,
                "n=" + samples.count()));
      }
    }
  }
}
