package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.settings.ConfigurationException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kvasir demo}: the embedded model, and what to try with it. */
@Command(
    name = "demo",
    description = "Serve the tiny embedded model and say what to try.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class DemoCommand implements Callable<Integer> {
  private static final String PORT = "kvasir.actors.gateway.port";

  @Mixin private NodeOptions options;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Config config = options.resolve("demo", List.of());
    List<Example> examples = BundledExamples.of(config);
    try (NodeLauncher node = start(config, examples)) {
      print(out, node, examples);
      node.awaitEnd();
    }
    return 0;
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

  private static void print(PrintWriter out, NodeLauncher node, List<Example> examples) {
    String url = node.server().url();
    String model = node.server().modelName();
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
