package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.settings.ConfigurationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/**
 * Options that set config keys, and the order of precedence: command line, system properties, the
 * file of --config, the profile, the reference.conf of the modules.
 */
final class NodeOptions {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "HOCON file whose values replace those of the profile.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Set any config key, e.g. --set kvasir.runtime.engine.max-running=8.")
  private final Map<String, String> sets = new LinkedHashMap<>();

  @Option(
      names = "--host",
      paramLabel = "HOST",
      description = "Address to listen on (0.0.0.0 = all).")
  private String host;

  @Option(names = "--port", paramLabel = "PORT", description = "Port; 0 = any free one.")
  private String port;

  @Option(names = "--threads", paramLabel = "N", description = "Threads; 0 = one per processor.")
  private String threads;

  @Option(
      names = "--arena",
      paramLabel = "SIZE",
      description = "KV cache memory, e.g. 2GiB; 0 = chosen.")
  private String arena;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description = "Weights: stored, f32, bf16, f16, int8, int4.")
  private String dtype;

  @Option(names = "--pages", paramLabel = "TYPE", description = "KV pages: bf16, f32.")
  private String pages;

  @Option(
      names = "--max-context",
      paramLabel = "TOKENS",
      description = "Longest prompt and answer together; 0 = what the model allows.")
  private String maxContext;

  @Option(names = "--name", paramLabel = "ID", description = "Model id that clients name.")
  private String name;

  @Option(
      names = "--alias",
      paramLabel = "NAME=MODEL",
      description = "A further id of a model, given by its id or location; repeatable.")
  private final Map<String, String> aliases = new LinkedHashMap<>();

  /** True when the caller chose the port. */
  boolean namesPort() {
    return port != null;
  }

  /**
   * Everything, resolved.
   *
   * @param profile a resource of this module without its ending
   * @param models from the command line; none = those of the config
   */
  Config resolve(String profile, List<String> models) {
    Config config = withModels(ConfigFactory.empty(), models);
    config = with(config, "kvasir.runtime.served-name", name, "--name");
    config = with(config, "kvasir.runtime.threads", threads, "--threads");
    config = with(config, "kvasir.runtime.weights", dtype, "--dtype");
    config = with(config, "kvasir.runtime.pages", pages, "--pages");
    config = with(config, "kvasir.runtime.max-context-tokens", maxContext, "--max-context");
    config = with(config, "kvasir.runtime.engine.arena", arena, "--arena");
    config = with(config, "kvasir.actors.gateway.host", host, "--host");
    config = with(config, "kvasir.actors.gateway.port", port, "--port");
    for (Map.Entry<String, String> set : sets.entrySet()) {
      config = with(config, set.getKey(), set.getValue(), "--set " + set.getKey());
    }
    return ModelAliases.add(
        config
            .withFallback(ConfigFactory.defaultOverrides())
            .withFallback(file())
            .withFallback(profile(profile))
            .withFallback(ConfigFactory.defaultReferenceUnresolved())
            .resolve(),
        aliases);
  }

  private Config withModels(Config config, List<String> models) {
    if (models.isEmpty()) {
      return config;
    }
    if (models.size() > 1 && name != null) {
      throw new ConfigurationException(
          "--name=%s with %d models does not say which it names, use --alias %s=MODEL"
              .formatted(name, models.size(), name));
    }
    List<Map<String, String>> entries =
        models.size() == 1
            ? List.of()
            : models.stream().map(location -> Map.of("model", location)).toList();
    return with(config, "kvasir.runtime.model", models.getFirst(), "--model")
        .withValue(
            "kvasir.runtime.models",
            ConfigValueFactory.fromIterable(entries, "command line --model"));
  }

  private static Config with(Config config, String key, String value, String option) {
    return value == null
        ? config
        : config.withValue(key, ConfigValueFactory.fromAnyRef(value, "command line " + option));
  }

  private Config file() {
    if (file == null) {
      return ConfigFactory.empty();
    }
    if (!Files.isReadable(file)) {
      throw new ConfigurationException(
          "--config=" + file + " cannot be read, name a readable HOCON file");
    }
    return ConfigFactory.parseFile(file.toFile());
  }

  private static Config profile(String profile) {
    return ConfigFactory.parseResources(
        NodeOptions.class.getClassLoader(),
        "io/kvasir/node/" + profile + ".conf",
        ConfigParseOptions.defaults().setAllowMissing(false));
  }
}
