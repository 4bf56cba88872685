package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.node.cluster.DemoCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvasir demo}: a cluster with the embedded model, and what to try with it. */
@Command(
    name = "demo",
    description = "Serve the tiny embedded model from three nodes and say what to try.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class DemoCommand implements Callable<Integer> {
  private static final String PORT = "kvasir.actors.gateway.port";

  private static final String NODES = "--nodes";
  private static final int USUAL_PORT = 8080;
  private static final int MAX_NODES = 8;
  private static final Duration READY_LIMIT = Duration.ofMinutes(5);

  @Option(
      names = NODES,
      paramLabel = "N",
      description = "Nodes, each a JVM of its own; 1 = everything in one (default: 3).")
  private int nodes = 3;

  @Mixin private NodeOptions options;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (nodes < 1 || nodes > MAX_NODES) {
      throw new ConfigurationException(
          NODES + "=" + nodes + " is out of range; set 1 to " + MAX_NODES);
    }
    return nodes == 1 ? single() : cluster();
  }

  private int single() {
    PrintWriter out = spec.commandLine().getOut();
    Config config = options.resolve("demo", List.of());
    List<Example> examples = BundledExamples.of(config);
    try (NodeLauncher node = start(config, examples)) {
      print(out, node.server().url(), node.server().modelName(), examples);
      node.awaitEnd();
    }
    return 0;
  }

  private int cluster() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    JvmCheck.run();
    Config config = options.resolve("demo-node", List.of());
    NodeLogging.apply(config);
    NodeLogging.quieten();
    // What the nodes will be given, refused here in one sentence instead of once a node.
    KvasirSettings settings = KvasirSettings.from(config);
    List<Example> examples = BundledExamples.of(config);
    int port = settings.gateway().port();
    // A demonstration should not fail on a busy port that nobody asked for.
    if (port == 0 || !options.namesPort() && port == USUAL_PORT && !DemoCluster.isFree(port)) {
      port = DemoCluster.freePort();
    }
    try (DemoCluster cluster =
        new DemoCluster(config, nodes, port, shared(), line -> say(out, "  " + line))) {
      cluster.awaitReady(READY_LIMIT, line -> say(out, line + " ..."));
      print(out, cluster.url(), settings.runtime().modelId(), examples);
      out.println("The cluster: kvasir cluster status --url " + cluster.adminUrl());
      cluster.adminUrls().forEach((node, url) -> out.println("  " + node + " admin " + url));
      out.flush();
      cluster.awaitEnd();
    }
    return 0;
  }

  private static void say(PrintWriter out, String line) {
    synchronized (out) {
      out.println(line);
      out.flush();
    }
  }

  /** The caller's options but those that differ from node to node. */
  private List<String> shared() {
    List<String> given = spec.commandLine().getParseResult().originalArgs();
    List<String> shared = new ArrayList<>();
    for (int i = given.getFirst().equals("demo") ? 1 : 0; i < given.size(); i++) {
      String argument = given.get(i);
      if (argument.equals(NODES) || argument.equals("--port")) {
        i++;
      } else if (!argument.startsWith(NODES + "=") && !argument.startsWith("--port=")) {
        shared.add(argument);
      }
    }
    return shared;
  }

  private NodeLauncher start(Config config, List<Example> examples) {
    try {
      return NodeLauncher.start(config, examples);
    } catch (CompletionException failure) {
      // A demonstration should not fail on a busy port that nobody asked for.
      if (options.namesPort()
          || !(failure.getCause() instanceof ConfigurationException taken)
          || !taken.getMessage().startsWith(PORT)) {
        throw failure;
      }
      return NodeLauncher.start(
          config.withValue(PORT, ConfigValueFactory.fromAnyRef(0, "the usual port is taken")),
          examples);
    }
  }

  private static void print(PrintWriter out, String url, String model, List<Example> examples) {
    out.println(
        String.format(
            Locale.ROOT,
            "Kvasir is ready after %.2f s with %s, a tiny demonstration model.",
            NodeLauncher.sinceStart().toMillis() / 1e3,
            model));
    out.println();
    out.println("  Page:        " + url + "/");
    out.println("  OpenAI API:  " + url + "/v1  (any key)");
    out.println();
    out.println("Try:");
    out.println("  curl -N " + url + "/v1/chat/completions -H 'Content-Type: application/json' \\");
    out.println("    -d '" + Curl.chat(model, examples) + "'");
    out.println();
    out.println("A real model: kvasir serve --model DIR   Stop: Ctrl-C");
    out.flush();
  }
}
