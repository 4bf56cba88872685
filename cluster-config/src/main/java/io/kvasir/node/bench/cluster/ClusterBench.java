package io.kvasir.node.bench.cluster;

import io.kvasir.node.bench.BenchEnvironment;
import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import io.kvasir.node.bench.transport.MediaRates;
import io.kvasir.node.bench.transport.Medium;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.checkpoint.WeightEstimate;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * {@code kvasir bench serving}: a cluster of real processes on this machine, and the figures that
 * issue 5 sets for it. Media are measured first, while nothing else runs; then each part starts the
 * cluster that it needs. One thread.
 */
public final class ClusterBench {
  /** A gateway and two that compute, in one process each. */
  private static final int COMPUTING = 2;

  private static final int BLOCK_TOKENS = 32;
  private static final int BF16_BYTES = 2;

  /** A context below 512, and an answer that goes on when the signal to kill its node arrives. */
  private static final int SHORT_ANSWER_TOKENS = 400;

  private static final int LONG_PROMPT_TOKENS = 1500;
  private static final int LONG_ANSWER_TOKENS = 120;
  private static final int EMBEDDED_HEAP_MIB = 256;
  private static final int WARM_UP_USES = 1;

  /** For nodes that are warmed up by what they are about to be asked, before anything is timed. */
  private static final Map<String, String> WARMED_UP_HERE = Map.of("kvasir.runtime.warm-up", "1 s");

  private static final int BASE_HEAP_MIB = 384;
  private static final String EMBEDDED = "embedded:factbook";
  private static final String SERVED = "measured";
  private static final String EMBEDDED_ID = "factbook";
  private static final List<String> DEVICE_ONLY = List.of("device");
  private static final List<String> ALL_TIERS = List.of("device", "host", "peer");

  /** What to measure. */
  public enum Part {
    /** First token by where the KV is, peers over shared memory. */
    IPC,
    /** The same over sockets. */
    UDP,
    /** Prefix routing against least-loaded. */
    ROUTING,
    /** Killed nodes, embedded model. */
    RESUME,
    /** Killed nodes, long contexts. */
    LONG,
    /** Processor time of nodes that have nothing to do. */
    IDLE,
    /** Heap of idle sessions. */
    SESSIONS,
    /** Heap and lookups of the directory. */
    DIRECTORY
  }

  /**
   * What to run.
   *
   * @param model of all parts but RESUME
   * @param parts none = all
   * @param kills of RESUME
   * @param json where rows are written, null for nowhere
   * @param quick a trial of every part in little time: its figures say nothing
   */
  public record Options(
      String model,
      Set<Part> parts,
      int kills,
      long seed,
      Path json,
      boolean strict,
      boolean quick) {
    public Options {
      parts = parts.isEmpty() ? EnumSet.allOf(Part.class) : EnumSet.copyOf(parts);
      if (kills < 1 || kills > 1000) {
        throw new IllegalArgumentException("--kills=" + kills + " must be 1 to 1000");
      }
    }

    /** bench-150m, every part, 20 kills. */
    public static Options defaults() {
      return new Options("dummy:bench-150m", Set.of(), 20, 1, null, false, false);
    }
  }

  /** What follows from the model. */
  private record Shape(int vocabulary, long kvBytesPerToken, int heapMib) {
    static Shape of(String model) throws IOException {
      WeightEstimate estimate = WeightEstimate.of(model, "bf16");
      ModelConfig config = estimate.config();
      long kv = 2L * BF16_BYTES * config.layerCount() * config.kvHeadCount() * config.headDim();
      int heapMib = (int) (BASE_HEAP_MIB + (estimate.weightBytes() * 5 / 4 >> 20));
      return new Shape(config.vocabSize(), kv, heapMib);
    }
  }

  private final Options options;
  private final PrintStream out;
  private final Path logs;
  private final BenchReport report;
  private final Shape shape;
  private final int cores = Runtime.getRuntime().availableProcessors();
  private final long startNs = System.nanoTime();

  private ClusterBench(Options options, PrintStream out, Path logs) throws IOException {
    this.options = options;
    this.out = out;
    this.logs = logs;
    this.shape = Shape.of(options.model());
    this.report =
        new BenchReport(
            "kvasir bench serving %s bf16: a gateway and %d computing nodes, a process each%s"
                .formatted(
                    options.model(),
                    COMPUTING,
                    options.quick() ? "; QUICK, figures say nothing" : ""),
            BenchEnvironment.of(options.seed()));
  }

  /**
   * Measures, prints the table and writes the JSON file.
   *
   * @return the process's exit code
   */
  public static int run(Options options, PrintStream out) throws Exception {
    Path logs = Files.createTempDirectory("kvasir-bench-serving-");
    ClusterBench bench = new ClusterBench(options, out, logs);
    try {
      bench.measure();
    } finally {
      // What was measured before a failure is worth its minutes.
      bench.report.print(out);
    }
    if (options.json() != null) {
      bench.report.writeJson(options.json());
    }
    deleteAll(logs);
    return bench.report.exitCode(options.strict());
  }

  private static void deleteAll(Path folder) throws IOException {
    List<Path> inside;
    try (Stream<Path> walk = Files.walk(folder)) {
      inside = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : inside) {
      Files.deleteIfExists(path);
    }
  }

  private boolean has(Part part) {
    return options.parts().contains(part);
  }

  private void say(String what) {
    out.printf("[%3d s] %s%n", (System.nanoTime() - startNs) / 1_000_000_000, what);
  }

  private void measure() throws Exception {
    if (has(Part.IPC) || has(Part.IDLE) || has(Part.LONG)) {
      overSharedMemory();
    } else {
      inProcess();
    }
    if (has(Part.UDP)) {
      overSockets();
    }
    if (has(Part.ROUTING)) {
      routing();
    }
    if (has(Part.RESUME)) {
      resume();
    }
    if (has(Part.DIRECTORY)) {
      // Beside nodes that rest, lookups' slowest hundredth took 8.7 and 6.4 ms.
      say("directory, remote");
      // A JVM of its own: what the first one has left in its heap would be collected meanwhile.
      FigureProcess.run(
          report,
          directoryHeapMib(),
          logs.resolve("remote.log"),
          "remote",
          "" + directoryEntries() / 5);
    }
  }

  /** Figures of one process that asks no other; a minute. */
  private void inProcess() throws IOException, InterruptedException {
    if (has(Part.SESSIONS)) {
      say("idle sessions");
      int count = options.quick() ? 500 : 10_000;
      FigureProcess.run(report, 512, logs.resolve("sessions.log"), "sessions", "" + count);
    }
    if (has(Part.DIRECTORY)) {
      say("directory in process");
      FigureProcess.run(
          report,
          directoryHeapMib(),
          logs.resolve("directory.log"),
          "directory",
          "" + directoryEntries());
    }
  }

  private int directoryEntries() {
    return options.quick() ? 100_000 : 10_000_000;
  }

  private int directoryHeapMib() {
    return options.quick() ? 512 : 2560;
  }

  private Orders orders() {
    return new Orders(SERVED, shape.vocabulary(), options.seed());
  }

  private ClusterPlan plan(Medium medium, int threads, Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("kvasir.runtime.served-name", SERVED);
    all.put("kvasir.runtime.engine.arena", "256 MiB");
    all.put("kvasir.actors.tier.host-bytes", "512 MiB");
    all.putAll(settings);
    return new ClusterPlan(
        options.model(), medium, List.of(Map.of()), COMPUTING, threads, shape.heapMib(), all);
  }

  private BenchCluster start(ClusterPlan plan) throws IOException, InterruptedException {
    say(
        "starting %d nodes with %s over %s, threads of each computing one: %d"
            .formatted(plan.nodeCount(), plan.model(), plan.medium().name(), plan.threads()));
    BenchCluster cluster = BenchCluster.start(plan, logs);
    say("ready");
    return cluster;
  }

  private FirstTokenPart.Size size() {
    return options.quick() ? FirstTokenPart.Size.QUICK : FirstTokenPart.Size.WHOLE;
  }

  private long kvBytes() {
    return size().promptTokens() * shape.kvBytesPerToken();
  }

  private void overSharedMemory() throws IOException, InterruptedException {
    double copy = Double.NaN;
    double ipc = Double.NaN;
    if (has(Part.IPC)) {
      say("memory copy and bare Aeron over IPC");
      copy = MediaRates.copy((int) (BLOCK_TOKENS * shape.kvBytesPerToken()));
      ipc = MediaRates.aeron(Medium.IPC);
      report.add(BenchRow.value("memory copy, one thread", copy, "GB/s"));
      report.add(BenchRow.value("bare Aeron, IPC", ipc, "GB/s"));
    }
    try (BenchCluster cluster = start(plan(Medium.IPC, cores, Map.of()));
        BenchClient client = new BenchClient()) {
      if (has(Part.IPC)) {
        say("first tokens of %d-token prompts".formatted(size().promptTokens()));
        FirstTokenPart part = new FirstTokenPart(cluster, client, orders(), size(), BLOCK_TOKENS);
        part.run();
        part.addOwn(report, "");
        part.addLoaded(report, FirstTokenPart.Place.HOST, "host tier", kvBytes(), copy);
        part.addLoaded(report, FirstTokenPart.Place.PEER, "peer over IPC", kvBytes(), ipc);
      }
      long restingSinceNs = System.nanoTime();
      // Beside nodes that rest: they settle meanwhile.
      inProcess();
      if (has(Part.IDLE)) {
        idle(cluster, client, restingSinceNs);
      }
      if (has(Part.LONG)) {
        longContext(cluster, client);
      }
    }
  }

  private void longContext(BenchCluster cluster, BenchClient client)
      throws IOException, InterruptedException {
    say("kills in long contexts");
    new ResumePart(cluster, client, out)
        .longContext(
            report,
            orders(),
            options.quick() ? 1 : 3,
            options.quick() ? 200 : LONG_PROMPT_TOKENS,
            LONG_ANSWER_TOKENS);
  }

  /** Of nodes that have served for some minutes: a node is idle at night, not at its birth. */
  private void idle(BenchCluster cluster, BenchClient client, long restingSinceNs)
      throws IOException {
    say("idle nodes");
    IdlePart.run(cluster, client, restingSinceNs, options.quick() ? 2 : 20, report);
  }

  private void overSockets() throws IOException, InterruptedException {
    say("bare Aeron over UDP");
    double udp = MediaRates.aeron(Medium.UDP_64K);
    report.add(BenchRow.value("bare Aeron, " + Medium.UDP_64K.name(), udp, "GB/s"));
    try (BenchCluster cluster = start(plan(Medium.UDP_64K, cores, WARMED_UP_HERE));
        BenchClient client = new BenchClient()) {
      say("first tokens of %d-token prompts".formatted(size().promptTokens()));
      FirstTokenPart part = new FirstTokenPart(cluster, client, orders(), size(), BLOCK_TOKENS);
      part.run();
      part.addOwn(report, ", drivers apart");
      part.addLoaded(report, FirstTokenPart.Place.PEER, "peer over UDP", kvBytes(), udp);
    }
  }

  private void routing() throws IOException, InterruptedException {
    RoutingPart.Trace trace = options.quick() ? RoutingPart.Trace.QUICK : RoutingPart.Trace.WHOLE;
    long arena = trace.arenaBytes(BLOCK_TOKENS, BLOCK_TOKENS * shape.kvBytesPerToken());
    Map<String, String> settings = new LinkedHashMap<>(WARMED_UP_HERE);
    settings.put("kvasir.runtime.engine.arena", Long.toString(arena));
    settings.put("kvasir.runtime.max-context-tokens", "1024");
    ClusterPlan one = plan(Medium.IPC, 1, settings);
    ClusterPlan two =
        new ClusterPlan(
            one.model(),
            one.medium(),
            List.of(
                Map.of("kvasir.actors.schedule.policy", "prefix"),
                Map.of("kvasir.actors.schedule.policy", "least-loaded")),
            COMPUTING,
            one.threads(),
            one.heapMib(),
            one.shared());
    try (BenchCluster cluster = start(two);
        BenchClient client = new BenchClient()) {
      RoutingPart part = new RoutingPart(cluster, client, orders(), trace);
      String what = "%d prefixes, ".formatted(trace.groups());
      say("warming up");
      part.warmUp(WARM_UP_USES);
      say("routing, tiers off");
      part.run(
          report,
          what + "prefix routing, device caches of half the working set",
          DEVICE_ONLY,
          options.quick() ? 1 : 2,
          ClusterGoals.ROUTING_WITHOUT_TIERS);
      say("routing, all tiers");
      part.run(
          report,
          what + "prefix routing, all tiers",
          ALL_TIERS,
          options.quick() ? 1 : 2,
          ClusterGoals.ROUTING_WITH_TIERS);
    }
  }

  private void resume() throws IOException, InterruptedException {
    ClusterPlan plan =
        new ClusterPlan(
            EMBEDDED,
            Medium.IPC,
            List.of(Map.of()),
            COMPUTING,
            1,
            EMBEDDED_HEAP_MIB,
            Map.of(
                "kvasir.runtime.engine.arena",
                "64 MiB",
                "kvasir.runtime.served-name",
                EMBEDDED_ID,
                "kvasir.actors.tier.host-bytes",
                "64 MiB",
                "kvasir.runtime.warm-up",
                "500 ms",
                // A node that is killed on purpose is wanted back at once, however often.
                "kvasir.node.cluster.restart.first",
                "200 ms",
                "kvasir.node.cluster.restart.longest",
                "200 ms"));
    try (BenchCluster cluster = start(plan);
        BenchClient client = new BenchClient()) {
      new ResumePart(cluster, client, out)
          .embedded(
              report,
              new Orders(EMBEDDED_ID, shape.vocabulary(), options.seed()),
              options.quick() ? 1 : options.kills(),
              SHORT_ANSWER_TOKENS);
    }
  }
}
