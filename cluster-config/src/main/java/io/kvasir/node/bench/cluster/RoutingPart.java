package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import io.kvasir.node.bench.Median;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A trace of prompts that share prefixes, from empty caches to its end, through two gateways in
 * turn: one chooses nodes by prefix, one by load, both the same nodes. The figure is requests a
 * second over the whole trace, first computations of every prefix included. One thread drives, as
 * many as there are clients send.
 */
final class RoutingPart {
  /** The gateways of its cluster. */
  static final int BY_PREFIX = 0;

  static final int BY_LOAD = 1;

  /** Prompts of no pair. */
  private static final long WARM_UP_RUN = 900;

  /**
   * The trace.
   *
   * @param groups prefixes, each used equally often, in a seeded order
   * @param prefixTokens whole blocks
   * @param ownTokens of each prompt behind its prefix, less than a block with the answer
   * @param clients each of which sends its next request when it has its answer
   */
  record Trace(
      int groups, int prefixTokens, int ownTokens, int answerTokens, int uses, int clients) {
    static final Trace WHOLE = new Trace(12, 384, 16, 4, 8, 4);
    static final Trace QUICK = new Trace(4, 64, 8, 2, 2, 2);

    /** The same with fewer repeats, to be run before anything is timed. */
    Trace shortened(int fewerUses) {
      return new Trace(groups, prefixTokens, ownTokens, answerTokens, fewerUses, clients);
    }

    /** Blocks of all prefixes: what caches must hold for every repeat to hit. */
    int workingSetBlocks(int blockTokens) {
      return groups * prefixTokens / blockTokens;
    }

    /** Half the working set, and the block that each running prompt has for itself. */
    long arenaBytes(int blockTokens, long blockBytes) {
      return (workingSetBlocks(blockTokens) / 2 + clients) * blockBytes;
    }

    int requests() {
      return groups * uses;
    }

    /** The group of each request. */
    int[] order(long seed) {
      int[] order = new int[requests()];
      for (int i = 0; i < order.length; i++) {
        order[i] = i % groups;
      }
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = order.length - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
      }
      return order;
    }
  }

  /**
   * One pass.
   *
   * @param perSecond requests answered
   * @param computedShare of all prompt tokens
   * @param loadedTokens from host or peers
   */
  record Pass(double perSecond, double meanFirstMs, double computedShare, long loadedTokens) {}

  private final BenchCluster cluster;
  private final BenchClient client;
  private final Nodes nodes;
  private final Orders orders;
  private final Trace trace;

  RoutingPart(BenchCluster cluster, BenchClient client, Orders orders, Trace trace) {
    this.cluster = cluster;
    this.client = client;
    this.nodes = new Nodes(cluster, client);
    this.orders = orders;
    this.trace = trace;
  }

  /**
   * Lets the compilers of all nodes at what the trace runs: the first pass would pay for all
   * others, and it is always the same gateway's.
   */
  void warmUp(int uses) throws IOException, InterruptedException {
    RoutingPart before =
        new RoutingPart(cluster, client, orders, trace.shortened(Math.min(uses, trace.uses())));
    for (int gateway : new int[] {BY_LOAD, BY_PREFIX}) {
      before.pass(gateway, WARM_UP_RUN, List.of("device"));
    }
  }

  /**
   * Passes in pairs, the first of each pair by turns.
   *
   * @param sources tiers that nodes may load from
   */
  void run(BenchReport report, String name, List<String> sources, int pairs, BenchRow.Goal goal)
      throws IOException, InterruptedException {
    List<Double> prefix = new ArrayList<>();
    List<Double> load = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    List<Pass> last = new ArrayList<>();
    boolean tiersOff = sources.equals(List.of("device"));
    long loaded = 0;
    for (int pair = 0; pair < pairs; pair++) {
      Pass[] passes = new Pass[2];
      for (int turn = 0; turn < 2; turn++) {
        int gateway = (pair + turn) % 2;
        passes[gateway] = pass(gateway, pair, sources);
        loaded += passes[gateway].loadedTokens();
      }
      prefix.add(passes[BY_PREFIX].perSecond());
      load.add(passes[BY_LOAD].perSecond());
      ratios.add(passes[BY_PREFIX].perSecond() / passes[BY_LOAD].perSecond());
      last = List.of(passes);
    }
    double ratio = Median.of(ratios);
    BenchRow row =
        new BenchRow(
            name,
            Median.of(prefix),
            "req/s",
            "least-loaded",
            Median.of(load),
            ratio,
            goal,
            goal.isMetBy(ratio),
            String.format(
                Locale.ROOT,
                "median of %d pairs (%s); last pair: mean TTFT %.0f and %.0f ms, %.0f %% and %.0f"
                    + " %% of tokens computed",
                pairs,
                ratios.stream().map(r -> String.format(Locale.ROOT, "%.2f", r)).toList(),
                last.get(BY_PREFIX).meanFirstMs(),
                last.get(BY_LOAD).meanFirstMs(),
                100 * last.get(BY_PREFIX).computedShare(),
                100 * last.get(BY_LOAD).computedShare()));
    report.add(
        tiersOff && loaded > 0 ? row.invalid(loaded + " tokens came from other tiers") : row);
  }

  private Pass pass(int gateway, long run, List<String> sources)
      throws IOException, InterruptedException {
    nodes.clearAll();
    URI url = cluster.gateway(gateway);
    int[] order = trace.order(orders.seed() + run);
    AtomicInteger next = new AtomicInteger();
    List<CompletableFuture<List<Streamed>>> clients = new ArrayList<>();
    long startNs = System.nanoTime();
    try (ExecutorService threads = Executors.newFixedThreadPool(trace.clients())) {
      for (int c = 0; c < trace.clients(); c++) {
        clients.add(
            CompletableFuture.supplyAsync(() -> answers(url, order, next, run, sources), threads));
      }
    }
    double seconds = (System.nanoTime() - startNs) / 1e9;
    List<Streamed> all = new ArrayList<>();
    try {
      clients.forEach(one -> all.addAll(one.join()));
    } catch (CompletionException failure) {
      throw new IOException("the trace failed: " + failure.getCause().getMessage(), failure);
    }
    long prompt = all.stream().mapToLong(a -> a.usage().prompt()).sum();
    return new Pass(
        all.size() / seconds,
        all.stream().mapToDouble(Streamed::firstTextMs).average().orElseThrow(),
        all.stream().mapToLong(a -> a.usage().recomputed()).sum() / (double) prompt,
        all.stream().mapToLong(a -> a.usage().host() + a.usage().peer() + a.usage().other()).sum());
  }

  private List<Streamed> answers(
      URI url, int[] order, AtomicInteger next, long run, List<String> sources) {
    List<Streamed> answers = new ArrayList<>();
    try {
      for (int i = next.getAndIncrement(); i < order.length; i = next.getAndIncrement()) {
        ObjectNode request =
            Orders.from(orders.completion(prompt(order[i], i, run), trace.answerTokens()), sources);
        answers.add(client.stream(url, "/v1/completions", request, count -> {}));
      }
      return answers;
    } catch (IOException failure) {
      throw new CompletionException(failure);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CompletionException(interrupted);
    }
  }

  /** The group's prefix, and tokens that nobody else has. */
  private int[] prompt(int group, int request, long run) {
    int[] prefix = orders.prompt(1_000_000 * (run + 1) + group, trace.prefixTokens());
    int[] own = orders.prompt(1_000_000 * (run + 1) + 1000 + request, trace.ownTokens());
    int[] prompt = java.util.Arrays.copyOf(prefix, prefix.length + own.length);
    System.arraycopy(own, 0, prompt, prefix.length, own.length);
    return prompt;
  }
}
