package io.kvasir.node.bench.cluster;

import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import io.kvasir.node.bench.Median;
import io.kvasir.node.bench.cluster.Streamed.Sources;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Time to the first token of one prompt by where its KV is: nowhere, on the device, in the host's
 * memory, on a peer. Each round has a prompt of its own and takes all places in turn. What an
 * answer's accounting says decides whether a sample counts. One thread.
 */
final class FirstTokenPart {
  /** Where a prompt's KV is. */
  enum Place {
    NOWHERE(List.of("device", "host")),
    DEVICE(List.of("device")),
    HOST(List.of("device", "host")),
    PEER(List.of("device", "host", "peer"));

    private final List<String> sources;

    Place(List<String> sources) {
      this.sources = sources;
    }

    /**
     * Whether a prompt was served from here: all but its last block at most, and nothing from
     * anywhere else.
     */
    boolean served(Sources usage, int blockTokens) {
      int from =
          switch (this) {
            case NOWHERE -> usage.recomputed();
            case DEVICE -> usage.device();
            case HOST -> usage.host();
            case PEER -> usage.peer();
          };
      int computed = this == NOWHERE ? 0 : usage.recomputed();
      return usage.addsUp()
          && from + computed == usage.prompt()
          && computed <= blockTokens
          && usage.attempts() == 1;
    }
  }

  /**
   * Lengths and counts.
   *
   * @param warmRounds before what is measured, the nodes by turns, so that both have compiled code
   * @param warmLoads from the peer, of the last of them: a load runs most of its code once, however
   *     long it is, and compilers go on for hundreds
   * @param wholeLoads from the peer, of a prompt as it is measured
   * @param rounds measured, each with a prompt that is computed once
   * @param loads of each of them from each place
   */
  record Size(
      int promptTokens,
      int warmTokens,
      int warmRounds,
      int warmLoads,
      int wholeLoads,
      int rounds,
      int loads) {
    static final Size WHOLE = new Size(2048, 512, 6, 250, 50, 3, 3);
    static final Size QUICK = new Size(256, 64, 1, 1, 1, 1, 2);
  }

  private static final int ANSWER_TOKENS = 2;
  private final BenchCluster cluster;
  private final BenchClient client;
  private final Nodes nodes;
  private final Orders orders;
  private final Size size;
  private final int blockTokens;
  private final Map<Place, List<Double>> samples = new EnumMap<>(Place.class);
  private final Map<Place, String> wrong = new EnumMap<>(Place.class);

  FirstTokenPart(
      BenchCluster cluster, BenchClient client, Orders orders, Size size, int blockTokens) {
    this.cluster = cluster;
    this.client = client;
    this.nodes = new Nodes(cluster, client);
    this.orders = orders;
    this.size = size;
    this.blockTokens = blockTokens;
  }

  void run() throws IOException, InterruptedException {
    String first = cluster.computing().get(0);
    String second = cluster.computing().get(1);
    for (int round = 1; round < size.warmRounds(); round++) {
      boolean turned = round % 2 == 1;
      int[] prompt = orders.prompt(round, size.warmTokens());
      round(prompt, turned ? second : first, turned ? first : second, 1);
    }
    warmUp(first, second, orders.prompt(0, size.warmTokens()), size.warmLoads());
    warmUp(first, second, orders.prompt(size.warmRounds(), size.promptTokens()), size.wholeLoads());
    samples.clear();
    wrong.clear();
    for (int round = 0; round < size.rounds(); round++) {
      round(orders.prompt(1000 + round, size.promptTokens()), first, second, size.loads());
    }
  }

  private void warmUp(String first, String second, int[] prompt, int loads)
      throws IOException, InterruptedException {
    round(prompt, first, second, 1);
    for (int load = 0; load < loads; load++) {
      nodes.clear(second, "device,host");
      sample(Place.PEER, second, prompt);
    }
  }

  private void round(int[] prompt, String first, String second, int loads)
      throws IOException, InterruptedException {
    nodes.clearAll();
    sample(Place.NOWHERE, first, prompt);
    for (int load = 0; load < loads; load++) {
      sample(Place.DEVICE, first, prompt);
      nodes.awaitHostBlocks(first, prompt.length / blockTokens);
      nodes.clear(first, "device");
      sample(Place.HOST, first, prompt);
      nodes.clear(second, "device,host");
      sample(Place.PEER, second, prompt);
    }
  }

  private void sample(Place place, String node, int[] prompt)
      throws IOException, InterruptedException {
    Streamed answer =
        client.stream(
            cluster.gateway(0),
            "/v1/completions",
            Orders.at(orders.completion(prompt, ANSWER_TOKENS), node, place.sources),
            count -> {});
    if (!answer.usage().node().equals(node) || !place.served(answer.usage(), blockTokens)) {
      wrong.put(place, "served as " + answer.usage());
    } else {
      samples.computeIfAbsent(place, p -> new ArrayList<>()).add(answer.firstTextMs());
    }
  }

  /** Median of a place's samples; NaN without any. */
  double medianMs(Place place) {
    List<Double> own = samples.get(place);
    return own == null ? Double.NaN : Median.of(own);
  }

  /** Rows of what needs no medium. */
  void addOwn(BenchReport report, String where) {
    add(report, Place.NOWHERE, "TTFT, computed" + where, null, "");
    add(report, Place.DEVICE, "TTFT, device hit" + where, null, "");
  }

  /**
   * The row that is judged, and the one that compares with computing.
   *
   * @param name of the tier in the table
   * @param kvBytes of the prompt
   * @param gbs bandwidth of the medium alone
   */
  void addLoaded(BenchReport report, Place place, String name, long kvBytes, double gbs) {
    String reason =
        String.format(
            Locale.ROOT,
            "device hit %.1f ms + %.1f MB at 0.6 x %.2f GB/s + 10 ms",
            medianMs(Place.DEVICE),
            kvBytes / 1e6,
            gbs);
    add(
        report,
        place,
        "TTFT, " + name,
        ClusterGoals.loaded(medianMs(Place.DEVICE), kvBytes, gbs),
        reason);
    report.add(
        check(
            place,
            BenchRow.against(
                "TTFT, " + name,
                medianMs(place),
                "ms",
                "computed",
                medianMs(Place.NOWHERE),
                null,
                "")));
  }

  private void add(
      BenchReport report, Place place, String name, BenchRow.Goal goal, String reason) {
    List<Double> own = samples.getOrDefault(place, List.of());
    String note =
        own.isEmpty()
            ? reason
            : String.format(
                Locale.ROOT,
                "n=%d, %.1f to %.1f%s",
                own.size(),
                own.stream().mapToDouble(d -> d).min().orElseThrow(),
                own.stream().mapToDouble(d -> d).max().orElseThrow(),
                reason.isEmpty() ? "" : "; " + reason);
    double value = medianMs(place);
    BenchRow row =
        goal == null
            ? new BenchRow(name, value, "ms", null, null, null, null, null, note)
            : BenchRow.judged(name, value, "ms", goal, note);
    report.add(check(place, row));
  }

  private BenchRow check(Place place, BenchRow row) {
    return wrong.containsKey(place) ? row.invalid(wrong.get(place)) : row;
  }
}
