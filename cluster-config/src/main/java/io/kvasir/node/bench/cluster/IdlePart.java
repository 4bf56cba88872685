package io.kvasir.node.bench.cluster;

import io.kvasir.node.bench.BenchReport;
import io.kvasir.node.bench.BenchRow;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/** Processor time of nodes that nobody asks anything. One thread. */
final class IdlePart {
  /** Nodes settle for so many times the measured time: an idle node is one that has been so. */
  private static final int SETTLING = 2;

  private IdlePart() {}

  /**
   * Waits until the nodes have settled, then for the time, and adds the row of the busiest.
   *
   * @param restingSinceNs when they had their last request, by {@link System#nanoTime}
   * @param seconds measured
   */
  static void run(
      BenchCluster cluster,
      BenchClient client,
      long restingSinceNs,
      int seconds,
      BenchReport report)
      throws IOException {
    Nodes nodes = new Nodes(cluster, client);
    // For some time compilers go on with what work has made hot.
    Duration rested = Duration.ofNanos(System.nanoTime() - restingSinceNs);
    pause(Duration.ofSeconds((long) SETTLING * seconds).minus(rested));
    List<Duration> before = new ArrayList<>();
    long startNs = System.nanoTime();
    long rest = Duration.ofNanos(startNs - restingSinceNs).toSeconds();
    for (String node : cluster.names()) {
      before.add(nodes.cpu(node));
    }
    Duration own = Nodes.cpu(ProcessHandle.current().pid());
    pause(Duration.ofSeconds(seconds));
    double busiest = 0;
    List<String> each = new ArrayList<>();
    double elapsed = (System.nanoTime() - startNs) / 1e9;
    for (int i = 0; i < cluster.names().size(); i++) {
      String node = cluster.names().get(i);
      double cores = share(nodes.cpu(node).minus(before.get(i)), elapsed);
      busiest = Math.max(busiest, cores);
      each.add(String.format(Locale.ROOT, "%s %.4f", node, cores));
    }
    double driver = share(Nodes.cpu(ProcessHandle.current().pid()).minus(own), elapsed);
    report.add(
        BenchRow.judged(
            "idle node, the busiest of " + cluster.names().size(),
            busiest,
            "cores",
            ClusterGoals.IDLE_CORES,
            String.format(
                Locale.ROOT,
                "over %.0f s after %d s of rest, nodes up for %d s: %s; the bench's process with"
                    + " the media driver %.4f",
                elapsed,
                rest,
                cluster.upSeconds(),
                String.join(", ", each),
                driver)));
  }

  /** Cores used on the average. */
  static double share(Duration used, double seconds) {
    return used.toNanos() / 1e9 / seconds;
  }

  private static void pause(Duration time) {
    long endNs = System.nanoTime() + time.toNanos();
    for (long left = time.toNanos(); left > 0; left = endNs - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }
}
