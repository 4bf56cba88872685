package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import io.kvasir.runtime.checkpoint.WeightEstimate;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** The launcher of one node: keeps it running until this process is told to stop. Main thread. */
public final class NodeLife {
  /** Beside the models: node, libraries, request bodies and room for collections. */
  private static final long BASE_MIB = 384;

  private static final Duration FOREVER = Duration.ofDays(36_500);
  private static final Duration SLACK = Duration.ofSeconds(15);

  private NodeLife() {}

  /**
   * Runs the node as a child of this process.
   *
   * @param arguments of {@code kvasir} for the child
   * @return the child's last exit code
   */
  public static int keep(Config config, List<String> arguments, PrintWriter out)
      throws InterruptedException {
    KvasirSettings settings = KvasirSettings.from(config);
    NodeKeeper keeper =
        new NodeKeeper(
            "here",
            ChildCommand.of(heapMib(config, settings), List.of(), arguments),
            RestartPolicy.from(config),
            line -> {
              out.println(line);
              out.flush();
            });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(keeper, drainLimit(settings))));
    keeper.awaitEnd(FOREVER);
    return keeper.exitCode();
  }

  /** How long a node may take from its signal to its end. */
  static Duration drainLimit(KvasirSettings settings) {
    return settings.gateway().stopTimeout().plus(settings.gateway().askTimeout()).plus(SLACK);
  }

  /** Ends a node and leaves the rest of its cluster running. */
  private static void end(NodeKeeper keeper, Duration limit) {
    keeper.stop();
    awaitEnd(List.of(keeper), limit);
  }

  /** Ends all nodes of a cluster. */
  static void endAll(List<NodeKeeper> keepers, Duration limit) {
    keepers.forEach(NodeKeeper::stopWithAll);
    awaitEnd(keepers, limit);
  }

  /** Waits for the limit, and kills who is left. */
  private static void awaitEnd(List<NodeKeeper> keepers, Duration limit) {
    long deadlineNs = System.nanoTime() + limit.toNanos();
    try {
      for (NodeKeeper keeper : keepers) {
        keeper.awaitEnd(Duration.ofNanos(Math.max(1_000_000, deadlineNs - System.nanoTime())));
      }
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    } finally {
      keepers.forEach(NodeKeeper::close);
    }
  }

  /** Packed weights lie on the heap of the nodes that compute. */
  private static long heapMib(Config config, KvasirSettings settings) {
    Set<String> roles = Set.copyOf(config.getStringList("kvasir.actors.cluster.roles"));
    long mib = BASE_MIB;
    if (roles.contains("prefill") || roles.contains("decode")) {
      for (RuntimeSettings model : settings.models()) {
        try {
          // A tenth for what is packed twice for a moment, and for what arrays do not fill.
          mib += WeightEstimate.of(model.model(), model.weights()).weightBytes() * 11 / 10 >> 20;
        } catch (IOException | RuntimeException unreadable) {
          // The node itself says what is wrong with it.
          continue;
        }
      }
    }
    return mib;
  }
}
