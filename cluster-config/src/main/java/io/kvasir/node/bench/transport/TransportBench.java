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
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

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
  private static final String AERON = "bare Aeron";

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
    try (Pair pair = new Pair(logs, media)) {
      TransportBench bench = new TransportBench(options, out, pair);
      bench.rawRates();
      bench.bulk();
      bench.latency();
      bench.report.print(out);
      if (options.json() != null) {
        bench.report.writeJson(options.json());
      }
      return bench.report.exitCode(options.strict());
    } finally {
      deleteAll(media);
      deleteAll(logs);
    }
  }

  private void rawRates() throws GeneralSecurityException {
    out.println("checksum and cipher alone");
    RawRates rates = new RawRates(Regions.filled(1));
    report.add(BenchRow.value("CRC32C alone, 64 KiB", rates.crc(64 << 10), "GB/s"));
    for (int frame : new int[] {65_440, 8_128, 1_344}) {
      report.add(
          BenchRow.value(
              "AES-GCM alone, " + frame + " B, heap", rates.encrypt(frame, false), "GB/s"));
      report.add(
          BenchRow.value(
              "AES-GCM alone, " + frame + " B, direct", rates.encrypt(frame, true), "GB/s"));
    }
  }

  private void bulk() throws IOException {
    Sweep sweep = new Sweep(pair, out);
    Way tcp = open("plain TCP", tcp(sweep), TCP_BYTES);
    Way artery = open("Pekko Artery", artery(sweep), ARTERY_BYTES);
    for (Medium medium : List.of(Medium.IPC, Medium.UDP_64K, Medium.UDP_8K, Medium.UDP_1K)) {
      List<Way> ways = new ArrayList<>();
      ways.add(open(AERON, aeron(sweep, medium), medium.bytes()));
      if (medium == Medium.IPC) {
        ways.add(tcp);
        ways.add(artery);
      }
      Map<String, Double> gbs = takeTurns(medium, ways);
      gbs.forEach(
          (name, value) ->
              report.add(
                  BenchRow.value(
                      name.equals(AERON) ? name + ", " + medium.name() : name, value, "GB/s")));
      pair.close(ways.getFirst().key());
    }
    pair.close(tcp.key());
    pair.close(artery.key());
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
        "plain TCP",
        Spec.parse("way=tcp chunk=262144 buffer=" + buffer),
        List.of(
            Sweep.Axis.of("chunk", "65536", "1048576", "4194304"),
            Sweep.Axis.of("buffer", "262144", "1048576")),
        TCP_BYTES);
  }

  private Spec artery(Sweep sweep) throws IOException {
    return sweep.run(
        "Pekko Artery",
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

  private void latency() throws IOException {
    for (String idle : List.of("yield", "backoff")) {
      out.println("exchange of 16 KiB, " + idle);
      String key =
          pair.open(
              Spec.parse("way=aeron threads=SHARED send=claim drivers=one medium=ipc mtu=65504")
                  .with("buffer", buffer)
                  .with("window", 1 << 20)
                  .with("term", 1 << 20)
                  .with("idle", idle));
      pair.exchange(key, EXCHANGE_BYTES, EXCHANGE_ROUNDS);
      Spec took = pair.exchange(key, EXCHANGE_BYTES, EXCHANGE_ROUNDS);
      pair.close(key);
      for (String percentile : List.of("p50", "p99")) {
        report.add(
            BenchRow.value(
                "raw 16 KiB exchange on IPC, " + idle + ", " + percentile,
                took.number(percentile) / 1e3,
                "us"));
      }
    }
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
}
