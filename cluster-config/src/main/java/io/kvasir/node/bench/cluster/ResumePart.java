package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * What a client sees when the node that answers it is killed: the longest silence between two
 * pieces of text, and whether the text is the one that nobody interrupted. One thread.
 */
final class ResumePart {
  private static final List<String> ALL = List.of("device", "host", "peer");

  /** An answer that was complete before the signal arrived shows nothing and is asked for again. */
  private static final int MAX_TOO_LATE = 10;

  private final BenchCluster cluster;
  private final BenchClient client;
  private final Nodes nodes;
  private final PrintStream out;
  private double longestMs;
  private double worstGoalMs = Double.MAX_VALUE;
  private int kills;
  private int tooLate;
  private int others;
  private int context;

  ResumePart(BenchCluster cluster, BenchClient client, PrintStream out) {
    this.cluster = cluster;
    this.client = client;
    this.nodes = new Nodes(cluster, client);
    this.out = out;
  }

  /** Kills nodes in answers of the embedded model. */
  void embedded(BenchReport report, Orders orders, int count, int answerTokens)
      throws IOException, InterruptedException {
    var example = client.get(cluster.gateway(0), "/kvasir/examples").path(0);
    ObjectNode order =
        orders.chat(
            example.path("document").asText() + "\n\n" + example.path("questions").path(0).asText(),
            answerTokens);
    kill("/v1/chat/completions", order, count, answerTokens, false);
    report.add(
        checked(
            BenchRow.judged(
                "resume gap, embedded model, longest",
                longestMs,
                "ms",
                ClusterGoals.RESUME_SHORT_MS,
                "%d kills, context up to %d tokens, every text equal".formatted(kills, context))));
  }

  /** Kills nodes in answers to long prompts. */
  void longContext(BenchReport report, Orders orders, int count, int promptTokens, int answerTokens)
      throws IOException, InterruptedException {
    ObjectNode order = orders.completion(orders.prompt(5000, promptTokens), answerTokens);
    kill("/v1/completions", order, count, answerTokens, true);
    report.add(
        checked(
            BenchRow.judged(
                "resume gap, long context, longest",
                longestMs,
                "ms",
                BenchRow.Goal.atMost(worstGoalMs),
                "%d kills, context up to %d tokens, every text equal; 2.5 s + prefill of what died"
                    .formatted(kills, context))));
  }

  private BenchRow checked(BenchRow row) {
    return others == 0 ? row : row.invalid(others + " texts differ from the uninterrupted one");
  }

  /**
   * Asks, kills, compares. The last node killed may still be away when this returns.
   *
   * @param cold whether the other node starts with an empty cache, and the goal has its prefill
   */
  private void kill(String path, ObjectNode order, int count, int answerTokens, boolean cold)
      throws IOException, InterruptedException {
    String first = cluster.computing().getFirst();
    nodes.clearAll();
    Streamed whole = client.stream(cluster.gateway(0), path, Orders.at(order, first, ALL), n -> {});
    context = whole.usage().prompt() + answerTokens;
    while (kills < count) {
      String victim = cluster.computing().get(kills % cluster.computing().size());
      if (cold) {
        nodes.clearAll();
      }
      // Somewhere in the first third: the rest must come from elsewhere.
      int at = 1 + kills % Math.max(1, answerTokens / 3);
      Streamed got =
          client.stream(
              cluster.gateway(0),
              path,
              Orders.at(order, victim, ALL),
              n -> {
                if (n == at) {
                  cluster.kill(victim);
                }
              });
      if (got.usage().attempts() < 2) {
        if (++tooLate > MAX_TOO_LATE) {
          throw new IOException("answers end before the node that writes them can be killed");
        }
      } else {
        kills++;
        others += got.text().equals(whole.text()) ? 0 : 1;
        longestMs = Math.max(longestMs, got.longestGapMs());
        double prefillMs =
            ClusterGoals.predictedPrefillMs(
                whole.firstTextMs(), whole.usage().prompt(), whole.usage().prompt() + at);
        worstGoalMs = Math.min(worstGoalMs, ClusterGoals.resumed(prefillMs).bound());
        out.printf(
            Locale.ROOT,
            "  kill %d of %d (%s): %.0f ms of silence%n",
            kills,
            count,
            victim,
            got.longestGapMs());
      }
      if (kills < count) {
        cluster.awaitWhole();
      }
    }
  }
}
