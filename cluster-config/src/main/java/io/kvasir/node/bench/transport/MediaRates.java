package io.kvasir.node.bench.transport;

import io.kvasir.node.bench.Median;
import io.kvasir.transport.driver.HostLimits;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the media themselves reach on this machine now, for benches that compare with it: bare Aeron
 * between two processes, and a copy within one. Blocks for seconds; the caller has no other child
 * process. One thread.
 */
public final class MediaRates {
  private static final int RUNS = 5;
  private static final int WARM_UP_RUNS = 2;
  private static final long BYTES = 256L << 20;
  private static final List<Integer> TERMS = List.of(1 << 20, 4 << 20, 8 << 20, 16 << 20);

  private MediaRates() {}

  /**
   * Bare Aeron's GB/s with the best of some term lengths, from and to memory beyond any cache.
   *
   * @param medium shared memory through one driver, or sockets between a driver at each end
   */
  public static double aeron(Medium medium) throws IOException {
    Path logs = Files.createTempDirectory("kvasir-bench-media-");
    Path media = Pair.mediaFolder();
    Interruption interruption = Interruption.guard(List.of(media, logs));
    try (Pair pair = new Pair(logs, media)) {
      double best = 0;
      for (int term : TERMS) {
        String key = pair.open(spec(medium, term));
        List<Double> runs = new ArrayList<>();
        for (int run = -WARM_UP_RUNS; run < RUNS; run++) {
          double gbs = pair.move(key, BYTES);
          if (run >= 0) {
            runs.add(gbs);
          }
        }
        pair.close(key);
        best = Math.max(best, Median.of(runs));
      }
      return best;
    } finally {
      Pair.deleteAll(media);
      Pair.deleteAll(logs);
      interruption.over();
    }
  }

  private static Spec spec(Medium medium, int term) {
    HostLimits limits = HostLimits.read(Path.of("/"), 0);
    int buffer = Math.min(4 << 20, Math.min(limits.receiveBufferBytes(), limits.sendBufferBytes()));
    return Spec.parse("way=aeron threads=SHARED send=claim idle=yield")
        .with("buffer", buffer)
        .with("medium", medium.uri())
        .with("mtu", medium.mtu())
        .with("drivers", medium == Medium.IPC ? "one" : "two")
        .with("window", medium == Medium.IPC ? 1 << 20 : 4 << 20)
        .with("term", term);
  }

  /** GB/s of one thread that copies pieces from and to memory beyond any cache. */
  public static double copy(int pieceBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocate(Regions.BYTES, Regions.ALIGNMENT).fill((byte) 1);
      MemorySegment to = arena.allocate(Regions.BYTES, Regions.ALIGNMENT).fill((byte) 2);
      List<Double> runs = new ArrayList<>();
      for (int run = -WARM_UP_RUNS; run < RUNS; run++) {
        long startNs = System.nanoTime();
        long bytes = 0;
        for (long at = 0; at + pieceBytes <= Regions.BYTES; at += pieceBytes) {
          MemorySegment.copy(from, at, to, at, pieceBytes);
          bytes += pieceBytes;
        }
        double gbs = (double) bytes / (System.nanoTime() - startNs);
        if (run >= 0) {
          runs.add(gbs);
        }
      }
      return Median.of(runs);
    }
  }
}
