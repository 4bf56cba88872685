package io.kvasir.node.bench;

import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.engine.EngineStats;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * {@code kvasir bench serving-single}: one node under load over HTTP, from one client at a time to
 * ten times what it can do. The node runs in this process with its default limits; the client is
 * one thread beside it, so its cost counts against the node.
 */
public final class ServingBench {
  private static final int[] CONCURRENCIES = {1, 8, 32, 128};
  private static final double[] POISSON_SHARES = {0.5, 0.8};
  private static final double RAMP_SECONDS = 5;
  private static final double OVERLOAD_FACTOR = 10;
  private static final int CONNECTIONS = 1000;
  private static final int IDLE_STREAMS = 128;
  private static final double IDLE_SECONDS = 10;
  private static final long DRAIN_SECONDS = 30;

  private static final BenchRow.Goal BATCHING = BenchRow.Goal.atLeast(5);
  private static final BenchRow.Goal OVER_LLAMA = BenchRow.Goal.atLeast(1.5);
  private static final BenchRow.Goal GOODPUT = BenchRow.Goal.atLeast(0.9);
  private static final BenchRow.Goal REFUSED_MS = BenchRow.Goal.atMost(50);
  private static final BenchRow.Goal NONE = BenchRow.Goal.atMost(0);
  private static final BenchRow.Goal IDLE_CORE_SHARE = BenchRow.Goal.atMost(0.01);

  /** What to measure; POISSON and OVERLOAD take the capacity from the last load of CLOSED. */
  public enum Part {
    /** Closed loop at each concurrency, and the peer's. */
    CLOSED,
    /** Independent arrivals at shares of the capacity. */
    POISSON,
    /** Ten times the capacity. */
    OVERLOAD,
    /** Connections that do nothing. */
    IDLE
  }

  /**
   * @param model anything that {@code --model} takes; the peer needs an unscaled llama
   * @param parts at least one
   * @param llamaCpp whether to run llama.cpp's server on the same requests
   * @param windowSeconds of each load
   * @param overloadSeconds of the overload
   * @param json where rows are written, null for nowhere
   * @param folder keeps exported weights between calls
   */
  public record Options(
      String model,
      WeightFormat dtype,
      Set<Part> parts,
      boolean llamaCpp,
      double windowSeconds,
      double overloadSeconds,
      int threads,
      long seed,
      Path json,
      boolean strict,
      Path folder) {
    public Options {
      parts = parts.isEmpty() ? EnumSet.allOf(Part.class) : EnumSet.copyOf(parts);
      if (!(windowSeconds > 0) || !(overloadSeconds > 0)) {
        throw new IllegalArgumentException(
            "--seconds=%s and --overload-seconds=%s must be above 0"
                .formatted(windowSeconds, overloadSeconds));
      }
    }

    /** bench-150m in bf16, every part, 20 s each, a minute of overload. */
    public static Options defaults() {
      EngineBench.Options engine = EngineBench.Options.defaults();
      return new Options(
          engine.model(),
          WeightFormat.BF16,
          EnumSet.allOf(Part.class),
          false,
          20,
          60,
          engine.threads(),
          1,
          null,
          false,
          engine.folder());
    }
  }

  private final Options options;
  private final PrintStream out;
  private final BenchReport report;
  private final BenchNode node;
  private final LoadGenerator load;
  private final Map<Integer, LoadFigures> closed = new LinkedHashMap<>();

  private ServingBench(Options options, PrintStream out, BenchNode node, LoadGenerator load) {
    this.options = options;
    this.out = out;
    this.node = node;
    this.report =
        new BenchReport(
            "kvasir bench serving-single %s %s, %d threads, prompts of 8 to 128 tokens, answers of 32 to 256"
                .formatted(options.model(), name(options.dtype()), options.threads()),
            BenchEnvironment.of(options.seed()));
    this.load = load;
  }

  /**
   * Measures, prints the table and writes the JSON file.
   *
   * @return the process's exit code
   */
  public static int run(Options options, PrintStream out) throws Exception {
    ServingMix mix;
    try (Checkpoint checkpoint = Checkpoint.open(options.model())) {
      mix = new ServingMix(options.seed(), checkpoint.config().vocabSize());
    }
    BenchReport report;
    try (BenchNode node =
        new BenchNode(options.model(), name(options.dtype()), options.threads())) {
      URI url = URI.create(node.server().url());
      try (LoadGenerator load =
          new LoadGenerator(
              url,
              node.server().modelName(),
              mix,
              () -> node.ready().engine().stats().generatedTokens())) {
        ServingBench bench = new ServingBench(options, out, node, load);
        bench.measure(mix);
        report = bench.report;
      }
    }
    report.print(out);
    if (options.json() != null) {
      report.writeJson(options.json());
    }
    return report.exitCode(options.strict());
  }

  private static String name(WeightFormat dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  private EngineStats stats() {
    return node.ready().engine().stats();
  }

  private void measure(ServingMix mix) throws Exception {
    progress("warming up");
    // The gateway's code is compiled after some twenty thousand events.
    run(new LoadGenerator.Arrivals.Closed(32), RAMP_SECONDS, RAMP_SECONDS, () -> {});
    if (options.parts().contains(Part.IDLE)) {
      idle();
    }
    if (options.parts().contains(Part.CLOSED)) {
      closed();
    }
    if (options.parts().contains(Part.POISSON)) {
      poisson(mix);
    }
    if (options.parts().contains(Part.OVERLOAD)) {
      overload(mix);
    }
  }

  private LoadFigures run(
      LoadGenerator.Arrivals arrivals, double ramp, double window, Runnable everyTick)
      throws IOException {
    LoadFigures figures = load.run(arrivals, ramp, window, everyTick);
    load.hangUp();
    drain();
    return figures;
  }

  /** Waits until the node has cancelled what was hung up on. */
  private void drain() throws IOException {
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRAIN_SECONDS);
    for (EngineStats now = stats(); now.running() + now.waiting() > 0; now = stats()) {
      if (System.nanoTime() > endNs) {
        throw new IOException(
            "%d requests run and %d wait %d s after their clients hung up"
                .formatted(now.running(), now.waiting(), DRAIN_SECONDS));
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void closed() throws Exception {
    for (int clients : CONCURRENCIES) {
      LoadFigures figures = atConcurrency(clients);
      String name = "closed loop, " + clients + " at once:";
      if (clients == CONCURRENCIES[0]) {
        report.add(throughput(name, figures));
      } else {
        report.add(
            checked(
                BenchRow.against(
                    name + " throughput",
                    figures.tokensPerSecond(),
                    "tok/s",
                    "1 at once",
                    closed.get(CONCURRENCIES[0]).tokensPerSecond(),
                    clients == 32 ? BATCHING : null,
                    cores(figures)),
                figures));
      }
      figures.addLatencies(name, report);
    }
    if (options.llamaCpp()) {
      llamaCpp();
    }
  }

  private LoadFigures atConcurrency(int clients) throws IOException {
    if (!closed.containsKey(clients)) {
      progress("closed loop, " + clients + " at once");
      closed.put(
          clients,
          run(
              new LoadGenerator.Arrivals.Closed(clients),
              RAMP_SECONDS,
              options.windowSeconds(),
              () -> {}));
    }
    return closed.get(clients);
  }

  private BenchRow throughput(String name, LoadFigures figures) {
    double rate = figures.tokensPerSecond();
    return checked(
        new BenchRow(
            name + " throughput", rate, "tok/s", null, null, null, null, null, cores(figures)),
        figures);
  }

  /** Where it is well below the machine's, somebody else was using it. */
  private static String cores(LoadFigures figures) {
    return BenchReport.number(figures.coresUsed) + " cores used";
  }

  private BenchRow checked(BenchRow row, LoadFigures figures) {
    if (figures.broken == 0 && figures.unsent == 0) {
      return row;
    }
    return row.invalid(figures.broken + " broken, " + figures.unsent + " unsent");
  }

  private void llamaCpp() throws Exception {
    Files.createDirectories(options.folder());
    Path scratch = Files.createTempDirectory(options.folder(), "run");
    for (int clients : new int[] {1, 32}) {
      progress("llama.cpp, " + clients + " at once");
      try (PeerProcess peer =
          new PeerProcess(
              EngineBench.LLAMA_CPP,
              List.of(
                  "-Xmx1g",
                  "--enable-native-access=ALL-UNNAMED",
                  "-Dde.kherud.llama.tmpdir=" + scratch),
              LlamaCppPeer.class,
              List.of(
                  options.model(),
                  options.dtype() == WeightFormat.INT8 ? "Q8_0" : "F16",
                  options.folder().toString(),
                  Integer.toString(options.threads()),
                  Integer.toString(ServingMix.MAX_TOKENS + 32),
                  Integer.toString(clients)),
              scratch.resolve("llama.log"))) {
        Map<String, Object> theirs =
            peer.load(clients, RAMP_SECONDS, options.windowSeconds(), options.seed());
        LoadFigures ours = atConcurrency(clients);
        report.add(
            checked(
                BenchRow.against(
                    "closed loop, " + clients + " at once: throughput",
                    ours.tokensPerSecond(),
                    "tok/s",
                    "llama.cpp, slots: " + clients,
                    figure(theirs, "tokensPerSecond"),
                    clients == 32 ? OVER_LLAMA : null,
                    "its binding, without HTTP"),
                ours));
        report.add(
            BenchRow.against(
                "closed loop, " + clients + " at once: TTFT p50",
                ours.firstTokenMs.percentile(0.5),
                "ms",
                "llama.cpp, slots: " + clients,
                figure(theirs, "firstTokenMs"),
                null,
                "n=" + ours.firstTokenMs.count() + " and " + theirs.get("requests")));
      }
    }
    EngineBench.deleteAll(scratch);
  }

  private static double figure(Map<String, Object> figures, String name) {
    return ((Number) figures.get(name)).doubleValue();
  }

  /** Requests a second that the node can answer when it is never without work. */
  private double capacity(ServingMix mix) throws IOException {
    return atConcurrency(128).tokensPerSecond() / mix.meanAnswerTokens();
  }

  private void poisson(ServingMix mix) throws IOException {
    for (double share : POISSON_SHARES) {
      double perSecond = share * capacity(mix);
      String name = "Poisson at " + share + " of capacity:";
      progress(name + " " + BenchReport.number(perSecond) + " requests a second");
      LoadFigures figures =
          run(
              new LoadGenerator.Arrivals.Poisson(perSecond, CONNECTIONS),
              RAMP_SECONDS,
              options.windowSeconds(),
              () -> {});
      report.add(throughput(name, figures));
      figures.addLatencies(name, report);
    }
  }

  private void overload(ServingMix mix) throws IOException {
    double perSecond = OVERLOAD_FACTOR * capacity(mix);
    LoadFigures full = atConcurrency(128);
    int bound = node.settings().runtime().maxRunning() + node.settings().runtime().maxWaiting();
    progress(
        "overload: %s requests a second for %s s"
            .formatted(
                BenchReport.number(perSecond), BenchReport.number(options.overloadSeconds())));
    int[] longest = new int[1];
    LoadFigures figures =
        run(
            new LoadGenerator.Arrivals.Poisson(perSecond, CONNECTIONS),
            RAMP_SECONDS,
            options.overloadSeconds(),
            () -> longest[0] = Math.max(longest[0], stats().waiting() + stats().running()));
    report.add(
        checked(
            BenchRow.against(
                "overload x10: goodput",
                figures.tokensPerSecond(),
                "tok/s",
                "capacity",
                full.tokensPerSecond(),
                GOODPUT,
                "capacity = 128 at once, " + cores(figures)),
            figures));
    report.add(
        BenchRow.judged(
            "overload x10: refusals p99",
            figures.refusedMs.percentile(0.99),
            "ms",
            REFUSED_MS,
            "n=" + figures.refusedMs.count()));
    report.add(
        BenchRow.judged(
            "overload x10: most in progress",
            longest[0],
            "requests",
            BenchRow.Goal.atMost(bound),
            "running and waiting, sampled"));
    report.add(
        BenchRow.judged("overload x10: broken answers", figures.broken, "requests", NONE, ""));
    report.add(
        BenchRow.judged(
            "overload x10: leases afterwards", stats().leases(), "leases", NONE, "all cancelled"));
    figures.addLatencies("overload x10, accepted:", report);
  }

  private void idle() throws IOException {
    progress(IDLE_STREAMS + " idle streams");
    double without = coresUsedInSilence();
    int open = load.settle(IDLE_STREAMS);
    drain();
    double with = coresUsedInSilence();
    load.hangUp();
    report.add(
        BenchRow.judged(
            open + " idle streams",
            with - without,
            "cores",
            IDLE_CORE_SHARE,
            "connections open after a streamed answer: the process takes %s with them, %s without"
                .formatted(BenchReport.number(with), BenchReport.number(without))));
  }

  /** Processor time of the whole process while nobody asks it anything. */
  private static double coresUsedInSilence() {
    long startNs = System.nanoTime();
    long cpuNs = BenchEnvironment.processCpuNs();
    long endNs = startNs + (long) (IDLE_SECONDS * 1e9);
    while (System.nanoTime() < endNs) {
      LockSupport.parkNanos(endNs - System.nanoTime());
    }
    return (BenchEnvironment.processCpuNs() - cpuNs) / (double) (System.nanoTime() - startNs);
  }

  private void progress(String what) {
    out.println(what);
  }
}
