package io.kvasir.node;

import com.typesafe.config.Config;
import io.kvasir.node.cluster.ClusterConfig;
import io.kvasir.node.cluster.ClusterProcess;
import io.kvasir.node.cluster.NodeLife;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvasir node}: a node of a cluster, kept running by a launcher. */
@Command(
    name = "node",
    description = "Run a node of a cluster; it is started again when it crashes or was removed.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class NodeCommand implements Callable<Integer> {
  @Option(
      names = "--profile",
      paramLabel = "NAME",
      description = "gateway, prefill, decode or cache; none = roles are in the config.")
  private Profile profile;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "LOCATION",
      description = "As in serve.")
  private final List<String> models = new ArrayList<>();

  @Option(
      names = "--no-launcher",
      description = "Run in this process; something else starts it again (systemd, Kubernetes).")
  private boolean noLauncher;

  /** The process that a launcher has started; its standard input is the launcher's pipe. */
  @Option(names = "--launched", hidden = true)
  private boolean launched;

  @Mixin private NodeOptions options;
  @Spec private CommandSpec spec;

  /** Profiles with roles. */
  enum Profile {
    GATEWAY,
    PREFILL,
    DECODE,
    CACHE,
    DEMO_NODE
  }

  @Override
  public Integer call() throws InterruptedException {
    String name =
        profile == null ? "cluster" : profile.name().toLowerCase(Locale.ROOT).replace('_', '-');
    Config config = ClusterConfig.complete(options.resolve(name, models), Version.number());
    if (!noLauncher && !launched) {
      List<String> arguments = new ArrayList<>(List.of("node"));
      arguments.addAll(own(spec.commandLine().getParseResult().originalArgs()));
      arguments.add("--launched");
      return NodeLife.keep(config, arguments, spec.commandLine().getOut());
    }
    return run(config);
  }

  /** Without the sub-command's own name, which the top command's parser keeps. */
  private static List<String> own(List<String> arguments) {
    return arguments.isEmpty() || !arguments.getFirst().equals("node")
        ? arguments
        : arguments.subList(1, arguments.size());
  }

  private int run(Config config) {
    PrintWriter out = spec.commandLine().getOut();
    JvmCheck.run();
    NodeLogging.apply(config);
    if (profile == Profile.DEMO_NODE) {
      NodeLogging.quieten();
    }
    try (ClusterProcess process = ClusterProcess.start(config, BundledExamples.of(config))) {
      if (launched) {
        process.endWith(System.in);
      }
      out.println(
          String.format(
              Locale.ROOT,
              "Kvasir node %s is up: roles %s, %scluster at %s/kvasir/cluster (after %.2f s)",
              process.node().cluster().identity().name(),
              String.join("+", process.node().cluster().identity().roles()),
              process.url().map(url -> "API at " + url + ", ").orElse(""),
              process.adminUrl(),
              NodeLauncher.sinceStart().toMillis() / 1e3));
      out.flush();
      return process.awaitEnd();
    }
  }
}
