package io.kvasir.node.bench;

import io.kvasir.runtime.device.WeightFormat;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * {@code kvasir bench engine}: prefill, decode and prefix reuse of the engine beside llama.cpp and
 * Jlama on the same weights in the same call. Runs alternate between engines, so that a change of
 * the machine's mood meets all of them; rows are medians.
 */
public final class EngineBench {
  public static final String LLAMA_CPP = "llama.cpp";
  public static final String JLAMA = "jlama";

  private static final int PROMPT_TOKENS = 512;
  private static final int GENERATED_TOKENS = 64;
  private static final int REUSED_PROMPT_TOKENS = 1024;
  private static final int BATCH = 16;
  private static final int WARM_UP_RUNS = 2;

  /**
   * @param model anything that {@code --model} takes; peers need an unscaled llama
   * @param dtypes weight formats to measure, of BF16, INT8 and INT4
   * @param peers of {@link #LLAMA_CPP} and {@link #JLAMA}
   * @param runs measured runs; medians need 5
   * @param json where rows are written, null for nowhere
   * @param folder keeps exported weights between calls
   */
  public record Options(
      String model,
      List<WeightFormat> dtypes,
      Set<String> peers,
      int runs,
      int threads,
      long seed,
      Path json,
      boolean strict,
      Path folder) {
    public Options {
      dtypes = List.copyOf(dtypes);
      peers = Set.copyOf(peers);
      for (String peer : peers) {
        if (!peer.equals(LLAMA_CPP) && !peer.equals(JLAMA)) {
          throw new IllegalArgumentException(
              "--vs has peer " + peer + ", known are " + LLAMA_CPP + " and " + JLAMA);
        }
      }
      for (WeightFormat dtype : dtypes) {
        if (dtype == WeightFormat.F32 || dtype == WeightFormat.F16) {
          throw new IllegalArgumentException(
              "--dtype=" + dtype.name().toLowerCase(Locale.ROOT) + ", known are bf16, int8, int4");
        }
      }
      if (runs < 1) {
        throw new IllegalArgumentException("--runs=" + runs + " must be at least 1");
      }
    }

    /** bench-150m in bf16 and int8, both peers, 5 runs, all cores. */
    public static Options defaults() {
      return new Options(
          "dummy:bench-150m",
          List.of(WeightFormat.BF16, WeightFormat.INT8),
          Set.of(LLAMA_CPP, JLAMA),
          5,
          Runtime.getRuntime().availableProcessors(),
          1,
          null,
          false,
          Path.of(
              System.getProperty("java.io.tmpdir"),
              "kvasir-bench-" + System.getProperty("user.name")));
    }
  }

  private final Options options;
  private final PrintStream out;
  private final BenchReport report;

  private EngineBench(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
    this.report =
        new BenchReport(
            "kvasir bench engine "
                + options.model()
                + ", "
                + options.threads()
                + " threads, median of "
                + options.runs(),
            BenchEnvironment.of(options.seed()));
  }

  /**
   * Measures, prints the table and writes the JSON file.
   *
   * @return the process's exit code
   */
  public static int run(Options options, PrintStream out) throws Exception {
    EngineBench bench = new EngineBench(options, out);
    Files.createDirectories(options.folder());
    for (WeightFormat dtype : options.dtypes()) {
      bench.measure(dtype);
    }
    bench.report.print(out);
    if (options.json() != null) {
      bench.report.writeJson(options.json());
    }
    return bench.report.exitCode(options.strict());
  }

  private void measure(WeightFormat dtype) throws Exception {
    Path scratch = Files.createTempDirectory(options.folder(), "run");
    Map<String, BenchEngine> engines = new LinkedHashMap<>();
    try {
      KvasirEngine own = new KvasirEngine(options.model(), dtype, options.threads());
      engines.put(EngineRuns.OWN, own);
      startPeers(dtype, scratch, engines);
      measure(dtype, own, engines);
    } finally {
      engines.values().forEach(BenchEngine::close);
      deleteAll(scratch);
    }
    progress(dtype, "through HTTP");
    HttpThroughput.measure(
            options.model(),
            dtype,
            options.threads(),
            options.runs(),
            what -> progress(dtype, "through HTTP, " + what))
        .forEach(report::add);
  }

  private void startPeers(WeightFormat dtype, Path scratch, Map<String, BenchEngine> engines)
      throws IOException {
    boolean comparable = dtype == WeightFormat.BF16 || dtype == WeightFormat.INT8;
    if (comparable && options.peers().contains(LLAMA_CPP)) {
      progress(dtype, "starting llama.cpp");
      engines.put(
          LLAMA_CPP,
          new PeerProcess(
              LLAMA_CPP,
              List.of(
                  "-Xmx1g",
                  "--enable-native-access=ALL-UNNAMED",
                  "-Dde.kherud.llama.tmpdir=" + scratch),
              LlamaCppPeer.class,
              List.of(
                  options.model(),
                  dtype == WeightFormat.BF16 ? "F16" : "Q8_0",
                  options.folder().toString(),
                  Integer.toString(options.threads()),
                  Integer.toString(PROMPT_TOKENS + GENERATED_TOKENS + 64),
                  "1"),
              scratch.resolve("llama.log")));
    }
    if (comparable && options.peers().contains(JLAMA)) {
      progress(dtype, "starting Jlama");
      engines.put(
          JLAMA,
          new PeerProcess(
              JLAMA,
              List.of(
                  "-Xmx3g",
                  "--enable-preview",
                  "--add-modules=jdk.incubator.vector",
                  "--enable-native-access=ALL-UNNAMED"),
              JlamaPeer.class,
              List.of(
                  options.model(),
                  dtype == WeightFormat.BF16 ? "BF16" : "I8",
                  options.folder().toString(),
                  Integer.toString(options.threads())),
              scratch.resolve("jlama.log")));
    }
  }

  private void measure(WeightFormat dtype, KvasirEngine own, Map<String, BenchEngine> engines)
      throws Exception {
    PlainRead reader = new PlainRead(options.threads());
    EngineRuns runs = new EngineRuns(engines.keySet());
    long batchSeed = options.seed() + 1_000_000;
    for (int run = -WARM_UP_RUNS; run < options.runs(); run++) {
      progress(dtype, run < 0 ? "warming up" : "run " + (run + 1) + " of " + options.runs());
      long seed = options.seed() + 1000L * (run + WARM_UP_RUNS);
      runs.plainReadGbs.add(reader.gigabytesPerSecond());
      runs.batchTokensPerSecond.add(
          own.batchTokensPerSecond(BATCH, PROMPT_TOKENS, GENERATED_TOKENS, batchSeed));
      runs.cold.add(own.generate(REUSED_PROMPT_TOKENS, 1, seed + 1));
      runs.warm.add(own.generate(REUSED_PROMPT_TOKENS, 1, seed + 1));
      for (Map.Entry<String, BenchEngine> engine : engines.entrySet()) {
        runs.add(
            engine.getKey(), engine.getValue().generate(PROMPT_TOKENS, GENERATED_TOKENS, seed));
      }
      if (run < 0) {
        runs.forget();
      }
    }
    runs.report(dtype, PROMPT_TOKENS, own.weightBytesPerToken(), report);
  }

  private void progress(WeightFormat dtype, String what) {
    out.println(dtype.name().toLowerCase(Locale.ROOT) + ": " + what);
  }

  static void deleteAll(Path folder) throws IOException {
    List<Path> inside;
    try (Stream<Path> walk = Files.walk(folder)) {
      inside = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : inside) {
      Files.delete(path);
    }
  }
}
