package io.kvasir.node.bench.transport;

import io.kvasir.node.bench.BenchEnvironment;
import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import io.kvasir.node.bench.Median;
import io.kvasir.transport.driver.HostLimits;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code kvasir bench transport}: for each medium the fastest bare Aeron is looked for first, then
 * all ways take turns over the same regions, so that a change of the machine's mood meets all of
 * them; rows are medians. After each way's first run the receiver's memory is compared with the
 * sender's.
 */
public final class TransportBench {
  private static final int EXCHANGE_BYTES = 16 << 10;
  private static final int EXCHANGE_ROUNDS = 20_000;
  private static final long TCP_BYTES = 512L << 20;
  private static final long ARTERY_BYTES = 128L << 20;
  private static final int WARM_UP_RUNS = 3;
  private static final int PEERS = 50;
  private static final int TURNS = 3;
  private static final String AERON = "bare Aeron";
  private static final String KVASIR = "kvasir";
  private static final String KVASIR_GCM = "kvasir with AES-GCM";
  private static final String TCP = "plain TCP";
  private static final String ARTERY = "Pekko Artery";

  /**
   * @param runs of each way and medium
   * @param json where rows are written, null for nowhere
   */
  public record Options(int runs, Path json, boolean strict) {
    public Options {
      if (runs < 1) {
        throw new IllegalArgumentException("--runs=" + runs + " must be at least 1");
      }
    }

    /** 9 runs. */
    public static Options defaults() {
      return new Options(9, null, false);
    }
  }

  /** An open load and what it moves in a run. */
  private record Way(String name, String key, long bytes) {}

  private final Options options;
  private final PrintStream out;
  private final BenchReport report;
  private final Pair pair;
  private final int buffer;

  private TransportBench(Options options, PrintStream out, Pair pair) {
    this.options = options;
    this.out = out;
    this.pair = pair;
    HostLimits limits = HostLimits.read(Path.of("/"), 0);
    this.buffer =
        Math.min(4 << 20, Math.min(limits.receiveBufferBytes(), limits.sendBufferBytes()));
    this.report =
        new BenchReport(
            "kvasir bench transport, two processes, regions of 256 MiB, median of "
                + options.runs(),
            BenchEnvironment.of(0));
  }

  /**
   * Measures, prints the table and writes the JSON file.
   *
   * @return the process's exit code
   */
  public static int run(Options options, PrintStream out) throws Exception {
    Path logs = Files.createTempDirectory("kvasir-bench-transport-");
    Path media = Pair.mediaFolder();
    Interruption interruption = Interruption.guard(List.of(media, logs));
    try (Pair pair = new Pair(logs, media)) {
      TransportBench bench = new TransportBench(options, out, pair);
      bench.rawRates();
      bench.bulk();
      bench.latency();
      bench.setUp();
      bench.report.print(out);
      if (options.json() != null) {
        bench.report.writeJson(options.json());
      }
      return bench.report.exitCode(options.strict());
    } finally {
      Pair.deleteAll(media);
      Pair.deleteAll(logs);
      interruption.over();
    }
  }

  private void rawRates() throws GeneralSecurityException {
    out.println("checksum and cipher alone");
    RawRates rates = new RawRates(Regions.filled(1));
    report.add(BenchRow.value("CRC32C alone, 64 KiB", rates.crc(64 << 10), "GB/s"));
    for (int frame : new int[] {65_440, 8_128, 1_344}) {
      report.add(
          BenchRow.value(
              "AES-GCM alone, " + frame + " B, arrays", rates.encrypt(frame, false), "GB/s"));
      report.add(
          BenchRow.value(
              "AES-GCM alone, " + frame + " B, direct", rates.encrypt(frame, true), "GB/s"));
    }
  }

  private void bulk() throws IOException {
    Sweep sweep = new Sweep(pair, out);
    Way tcp = open(TCP, tcp(sweep), TCP_BYTES);
    Way artery = open(ARTERY, artery(sweep), ARTERY_BYTES);
    for (Medium medium : List.of(Medium.IPC, Medium.UDP_64K, Medium.UDP_8K, Medium.UDP_1K)) {
      List<Way> ways = new ArrayList<>();
      ways.add(open(AERON, aeron(sweep, medium), medium.bytes()));
      Spec own = fastestOwn(sweep, medium);
      ways.add(open(KVASIR, own, medium.bytes()));
      ways.add(open(KVASIR_GCM, own.with("cipher", "gcm"), medium.bytes()));
      List<Way> ofMedium = List.copyOf(ways);
      if (medium.mtu() == Medium.IPC.mtu()) {
        ways.add(tcp);
        ways.add(artery);
      }
      report(medium, takeTurns(medium, ways));
      for (Way way : ofMedium) {
        pair.close(way.key());
      }
    }
    pair.close(tcp.key());
    pair.close(artery.key());
  }

  private void report(Medium medium, Map<String, Double> gbs) {
    String name = medium.name();
    double aeron = gbs.get(AERON);
    report.add(BenchRow.value("bare Aeron, " + name, aeron, "GB/s"));
    report.add(
        BenchRow.against(
            "blocks with CRC, " + name,
            gbs.get(KVASIR),
            "GB/s",
            AERON,
            aeron,
            TransportGoals.crc(medium),
            ""));
    report.add(
        BenchRow.against(
            "blocks with AES-GCM, " + name,
            gbs.get(KVASIR_GCM),
            "GB/s",
            AERON,
            aeron,
            TransportGoals.gcm(medium),
            ""));
    if (gbs.containsKey(ARTERY)) {
      report.add(
          BenchRow.against(
              "blocks with CRC, " + name,
              gbs.get(KVASIR),
              "GB/s",
              ARTERY,
              gbs.get(ARTERY),
              TransportGoals.OVER_ARTERY,
              ""));
      report.add(
          BenchRow.against(
              "blocks with CRC, " + name,
              gbs.get(KVASIR),
              "GB/s",
              TCP,
              gbs.get(TCP),
              null,
              "reported: TCP neither checks nor places blocks"));
    }
  }

  private Way open(String name, Spec spec, long bytes) throws IOException {
    return new Way(name, pair.open(spec), bytes);
  }

  private Map<String, Double> takeTurns(Medium medium, List<Way> ways) throws IOException {
    Map<String, List<Double>> runs = new LinkedHashMap<>();
    for (int run = -WARM_UP_RUNS; run < options.runs(); run++) {
      for (Way way : ways) {
        double gbs = pair.move(way.key(), way.bytes());
        if (run >= 0) {
          runs.computeIfAbsent(way.name(), name -> new ArrayList<>()).add(gbs);
        } else if (run == -WARM_UP_RUNS && way.bytes() >= Regions.BYTES && !pair.isEqual()) {
          throw new IOException(way.name() + " on " + medium.name() + " delivered other bytes");
        }
      }
    }
    Map<String, Double> medians = new LinkedHashMap<>();
    runs.forEach((name, figures) -> medians.put(name, Median.of(figures)));
    return medians;
  }

  private Spec tcp(Sweep sweep) throws IOException {
    return sweep.run(
        TCP,
        Spec.parse("way=tcp chunk=262144 buffer=" + buffer),
        List.of(
            Sweep.Axis.of("chunk", "65536", "1048576", "4194304"),
            Sweep.Axis.of("buffer", "262144", "1048576")),
        TCP_BYTES);
  }

  private Spec artery(Sweep sweep) throws IOException {
    return sweep.run(
        ARTERY,
        Spec.parse("way=artery chunk=131072 window=32"),
        List.of(
            Sweep.Axis.of("chunk", "32768", "262144", "1048576"),
            Sweep.Axis.of("window", "8", "128")),
        ARTERY_BYTES);
  }

  private Spec aeron(Sweep sweep, Medium medium) throws IOException {
    Spec start =
        Spec.parse("way=aeron threads=SHARED send=claim idle=yield buffer=" + buffer)
            .with("medium", medium.uri())
            .with("mtu", medium.mtu());
    if (medium == Medium.IPC) {
      return sweep.run(
          AERON + ", " + medium.name(),
          start.with("drivers", "one").with("term", 16 << 20).with("window", 1 << 20),
          List.of(
              Sweep.Axis.of("term", "1048576", "4194304", "67108864"),
              Sweep.Axis.of("idle", "backoff", "spin"),
              Sweep.Axis.of("send", "offer"),
              Sweep.Axis.of("mtu", "8192"),
              Sweep.Axis.of("threads", "DEDICATED")),
          medium.bytes());
    }
    return sweep.run(
        AERON + ", " + medium.name(),
        start.with("drivers", "two").with("term", 16 << 20).with("window", 2 << 20),
        List.of(
            Sweep.Axis.of("drivers", "one"),
            Sweep.Axis.of("threads", "DEDICATED"),
            Sweep.Axis.of("window", "524288", "4194304"),
            Sweep.Axis.of("term", "4194304"),
            Sweep.Axis.of("idle", "backoff"),
            Sweep.Axis.of("send", "offer")),
        medium.bytes());
  }

  /** The settings of {@code reference.conf} that a host is tuned by, as bare Aeron is. */
  private Spec fastestOwn(Sweep sweep, Medium medium) throws IOException {
    List<Sweep.Axis> axes = new ArrayList<>();
    axes.add(Sweep.Axis.of("term", "4194304"));
    axes.add(Sweep.Axis.of("threading", "shared"));
    if (medium != Medium.IPC) {
      axes.add(Sweep.Axis.of("round-trip", "3ms"));
    }
    return sweep.run(
        KVASIR + ", " + medium.name(), kvasir(medium, "none", "agent"), axes, medium.bytes());
  }

  private Spec kvasir(Medium medium, String cipher, String idle) {
    return Spec.parse("way=kvasir threading=dedicated term=16777216 round-trip=1500us")
        .with("medium", medium.uri())
        .with("mtu", medium.mtu())
        .with("cipher", cipher)
        .with("idle", idle);
  }

  private void latency() throws IOException {
    for (String idle : List.of("yield", "backoff")) {
      out.println("16 KiB between two processes, " + idle);
      String raw =
          pair.open(
              Spec.parse("way=aeron threads=SHARED send=claim drivers=one medium=ipc mtu=65504")
                  .with("buffer", buffer)
                  .with("window", 1 << 20)
                  .with("term", 1 << 20)
                  .with("idle", idle));
      String reduce = pair.open(kvasir(Medium.IPC, "none", idle));
      Map<String, List<Double>> figures = new LinkedHashMap<>();
      for (int turn = -1; turn < TURNS; turn++) {
        exchange("raw ", raw, turn >= 0, figures);
        exchange("all-reduce ", reduce, turn >= 0, figures);
      }
      pair.close(raw);
      pair.close(reduce);
      for (String percentile : List.of("p50", "p99")) {
        report.add(
            BenchRow.against(
                "16 KiB all-reduce on IPC, " + idle + ", " + percentile,
                Median.of(figures.get("all-reduce " + percentile)),
                "us",
                "raw exchange",
                Median.of(figures.get("raw " + percentile)),
                percentile.equals("p50") ? TransportGoals.ALL_REDUCE_P50 : null,
                ""));
      }
    }
    besideBulk();
  }

  private void exchange(String name, String key, boolean counts, Map<String, List<Double>> figures)
      throws IOException {
    Spec took = pair.exchange(key, EXCHANGE_BYTES, EXCHANGE_ROUNDS);
    for (String percentile : List.of("p50", "p99")) {
      if (counts) {
        figures
            .computeIfAbsent(name + percentile, k -> new ArrayList<>())
            .add(took.number(percentile) / 1e3);
      }
    }
  }

  /** As a node runs: an agent thread in each process, callers on others. */
  private void besideBulk() throws IOException {
    out.println("16 KiB all-reduce beside bulk");
    Map<String, List<Double>> figures = new LinkedHashMap<>();
    String alone = pair.open(kvasir(Medium.IPC, "none", "agent"));
    String beside = pair.open(kvasir(Medium.IPC, "none", "agent").with("bulk", "beside"));
    for (int turn = -1; turn < TURNS; turn++) {
      exchange("alone ", alone, turn >= 0, figures);
      exchange("beside ", beside, turn >= 0, figures);
    }
    pair.close(alone);
    pair.close(beside);
    double idleP99 = Median.of(figures.get("alone p99"));
    report.add(
        BenchRow.value(
            "16 KiB all-reduce on IPC, agents, p50", Median.of(figures.get("alone p50")), "us"));
    report.add(BenchRow.value("16 KiB all-reduce on IPC, agents, p99", idleP99, "us"));
    report.add(
        BenchRow.judged(
            "the same with bulk beside it, p99",
            Median.of(figures.get("beside p99")),
            "us",
            TransportGoals.besideBulkP99(idleP99),
            "the larger of 10 x idle p99 and 2 ms; p50 "
                + Math.round(Median.of(figures.get("beside p50")))
                + " us"));
  }

  private void setUp() throws IOException {
    out.println("set-up of " + PEERS + " peers");
    long before = pair.sender().residentBytes();
    String key = pair.open(Spec.parse("way=peers peers=" + PEERS));
    double seconds = pair.setUp(key) / 1e9;
    double mapped = Double.parseDouble(pair.notes(key).text("mapped"));
    long after = pair.sender().residentBytes();
    pair.close(key);
    report.add(
        BenchRow.value("connect and a first block, " + PEERS + " peers", 1e3 * seconds, "ms"));
    report.add(
        BenchRow.value("log memory of " + PEERS + " peers, mapped", mapped / (1 << 20), "MiB"));
    report.add(
        BenchRow.value(
            "resident growth of the one node", (after - before) / (double) (1 << 20), "MiB"));
  }
}
