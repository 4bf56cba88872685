package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValue;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.node.cluster.ClusterConfig;
import io.kvasir.node.cluster.Detection;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kvasir config}: what a node would run with. */
@Command(
    name = "config",
    description = "Explain the configuration.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = ConfigCommand.Explain.class)
final class ConfigCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name a sub-command: explain.");
  }

  /** {@code kvasir config explain}. */
  @Command(
      name = "explain",
      description = "Print every effective value of kvasir.* and where it came from.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Explain implements Callable<Integer> {
    @Option(
        names = "--profile",
        paramLabel = "NAME",
        description =
            "single, demo, cluster, gateway, prefill, decode, cache or demo_node (default:"
                + " ${DEFAULT-VALUE}).",
        defaultValue = "single")
    private Profile profile;

    @Option(
        names = {"-m", "--model"},
        paramLabel = "LOCATION",
        description = "As in serve.")
    private final List<String> models = new ArrayList<>();

    @Mixin private NodeOptions options;
    @Spec private CommandSpec spec;

    /** Profiles of this module. */
    enum Profile {
      SINGLE,
      DEMO,
      CLUSTER,
      GATEWAY,
      PREFILL,
      DECODE,
      CACHE,
      DEMO_NODE
    }

    @Override
    public Integer call() {
      String name = profile.name().toLowerCase(Locale.ROOT).replace('_', '-');
      Config config = options.resolve(name, models);
      Map<String, ConfigValue> values = new TreeMap<>();
      config
          .getConfig("kvasir")
          .entrySet()
          .forEach(entry -> values.put("kvasir." + entry.getKey(), entry.getValue()));
      PrintWriter out = spec.commandLine().getOut();
      values.forEach(
          (key, value) ->
              out.println(
                  key
                      + " = "
                      + value.render(ConfigRenderOptions.concise())
                      + "   # "
                      + origin(value.origin().description())));
      // Refuses what a node would refuse.
      NodeLogging.check(config);
      if (ClusterConfig.isClustered(config)) {
        Detection.from(config).explain().forEach(line -> out.println("# " + line));
        if (profile != Profile.CLUSTER && profile != Profile.DEMO_NODE) {
          ClusterConfig.complete(config, Version.number());
        }
      }
      KvasirSettings.from(config);
      return 0;
    }

    // "reference.conf @ jar:file:/long/path/x.jar!/reference.conf: 12" → "x.jar reference.conf: 12"
    private static String origin(String description) {
      int jar = description.indexOf("!/");
      return description.contains(" @ jar:") && jar > 0
          ? description.substring(description.lastIndexOf('/', jar) + 1, jar)
              + " "
              + description.substring(jar + 2)
          : description;
    }
  }
}
