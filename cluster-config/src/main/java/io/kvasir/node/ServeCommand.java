package io.kvasir.node;

import com.typesafe.config.Config;
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

/** {@code kvasir serve}: one node until it is stopped. */
@Command(
    name = "serve",
    description = "Serve a model over an OpenAI-compatible HTTP API.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class ServeCommand implements Callable<Integer> {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "LOCATION",
      description =
          "Hugging Face folder, embedded:NAME, dummy:NAME or dummy:PATH/config.json"
              + " (default: kvasir.runtime.model of the config); repeat it to serve several.")
  private final List<String> models = new ArrayList<>();

  @Option(
      names = "--check",
      description = "Load the model, answer one request of a few tokens over HTTP, and stop.")
  private boolean check;

  @Mixin private NodeOptions options;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Config config = options.resolve("single", models);
    try (NodeLauncher node = NodeLauncher.start(config, BundledExamples.of(config))) {
      out.println(
          String.format(
              Locale.ROOT,
              "Kvasir serves %s at %s (ready after %.2f s)",
              String.join(", ", node.loaded()),
              node.server().url(),
              NodeLauncher.sinceStart().toMillis() / 1e3));
      node.failures().forEach(out::println);
      if (check) {
        out.println(SelfCheck.run(node.server()));
      } else {
        node.awaitEnd();
      }
    }
    return 0;
  }
}
