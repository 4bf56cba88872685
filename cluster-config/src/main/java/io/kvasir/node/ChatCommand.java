package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.node.chat.ChatClient;
import io.kvasir.node.chat.ChatConsole;
import io.kvasir.node.chat.ChatException;
import io.kvasir.node.chat.ChatSession;
import io.kvasir.node.chat.PipedConsole;
import io.kvasir.node.chat.TerminalConsole;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvasir chat}: talk to a running node, or to one that lives as long as the talk. */
@Command(
    name = "chat",
    description = {
      "Talk to a model in the terminal.",
      "With --url to a running server, otherwise to a node of its own. With piped input each line"
          + " is answered on standard output, figures go to standard error."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class ChatCommand implements Callable<Integer> {
  private static final String PORT = "kvasir.actors.gateway.port";

  @Option(names = "--url", paramLabel = "URL", description = "Of any OpenAI server.")
  private String url;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "With --url an id (default: the first that is served), otherwise a location as in serve"
              + " (default: the embedded model).")
  private String model;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      defaultValue = "${env:KVASIR_API_KEY}",
      description = "API key (default: the environment's KVASIR_API_KEY).")
  private String key;

  @Option(names = "--system", paramLabel = "TEXT", description = "System prompt.")
  private String system;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Longest answer.")
  private Integer maxTokens;

  @Option(names = "--temperature", paramLabel = "T", description = "0 = always the likeliest.")
  private Double temperature;

  @Option(names = "--no-stream", description = "Show answers when they are complete.")
  private boolean whole;

  @Mixin private NodeOptions options;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, ChatException {
    if (url != null) {
      return talk(url, model);
    }
    NodeLogging.quieten();
    Config config =
        options.resolve(
            model == null ? "demo" : "single", model == null ? List.of() : List.of(model));
    if (!options.namesPort()) {
      config = config.withValue(PORT, ConfigValueFactory.fromAnyRef(0, "kvasir chat"));
    }
    try (NodeLauncher node = NodeLauncher.start(config, BundledExamples.of(config))) {
      return talk(node.server().url(), node.server().modelName());
    }
  }

  private int talk(String at, String id) throws IOException, ChatException {
    try (ChatClient client = new ChatClient(at, key);
        ChatConsole console = console()) {
      return new ChatSession(
              client, console, new ChatSession.Options(id, system, !whole, maxTokens, temperature))
          .run();
    }
  }

  private ChatConsole console() throws IOException {
    boolean person = System.console() != null && System.console().isTerminal();
    return person
        ? new TerminalConsole()
        : new PipedConsole(System.in, spec.commandLine().getOut(), spec.commandLine().getErr());
  }
}
