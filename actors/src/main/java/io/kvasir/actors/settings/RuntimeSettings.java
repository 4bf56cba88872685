package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.runtime.engine.BlockOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Settings of one model and its engine; each is described in gpu-runtime's reference.conf.
 *
 * @param model a folder, {@code embedded:NAME}, {@code dummy:NAME} or {@code
 *     dummy:PATH/config.json}
 * @param servedName the model id that clients name; empty = derived from the location
 * @param aliases further ids
 * @param threads 0 = one per available processor; the same for all models of a node
 * @param pooling how an embedding is made: last or mean
 * @param warmUp zero = none
 * @param arenaBytes 0 = chosen from model and memory
 * @param stepRowLayers 0 = no bound
 * @param blocks bounds of the engine's work for tiers and peers
 */
public record RuntimeSettings(
    String model,
    String servedName,
    List<String> aliases,
    int threads,
    String weights,
    String pages,
    int pageTokens,
    int maxContextTokens,
    String pooling,
    Duration warmUp,
    long arenaBytes,
    int stepRows,
    long stepRowLayers,
    int maxRunning,
    int maxWaiting,
    Duration lease,
    BlockOptions blocks) {
  /** Config path. */
  public static final String PATH = "kvasir.runtime";

  /** Accepted values of {@code weights}. */
  public static final List<String> WEIGHTS =
      List.of("stored", "f32", "bf16", "f16", "int8", "int4");

  /** Accepted values of {@code pages}. */
  public static final List<String> PAGES = List.of("bf16", "f32");

  /** Accepted values of {@code pooling}. */
  public static final List<String> POOLING = List.of("last", "mean");

  private static final String MODELS = "models";
  private static final int MAX_MODELS = 16;
  private static final int MAX_ALIASES = 64;

  public RuntimeSettings {
    aliases = List.copyOf(aliases);
  }

  /**
   * The models of a node: those of {@code models}, or the one that the keys themselves describe.
   *
   * @throws ConfigurationException also when two of them have an id in common
   */
  static List<RuntimeSettings> allFrom(Config root) {
    SettingsReader runtime = new SettingsReader(root, PATH);
    List<? extends Config> entries = runtime.objects(MODELS, MAX_MODELS);
    List<RuntimeSettings> all = new ArrayList<>();
    if (entries.isEmpty()) {
      all.add(from(runtime));
    }
    Config shared = runtime.config().withoutPath(MODELS);
    for (int i = 0; i < entries.size(); i++) {
      String label = PATH + "." + MODELS + "[" + i + "]";
      checkKeys(entries.get(i), shared, label);
      all.add(from(SettingsReader.of(entry(entries.get(i), shared), label)));
    }
    checkNames(all);
    return all;
  }

  /** An entry has what the keys around the list say, but for the names of the model. */
  private static Config entry(Config own, Config shared) {
    Config defaults = shared.withoutPath("model");
    return own.withFallback(
        defaults
            .withValue("served-name", ConfigValueFactory.fromAnyRef(""))
            .withValue("aliases", ConfigValueFactory.fromIterable(List.of())));
  }

  private static void checkKeys(Config own, Config shared, String label) {
    for (String key : own.root().keySet()) {
      if (!shared.hasPathOrNull(ConfigUtil.quoteString(key)) || key.equals("threads")) {
        throw new ConfigurationException(
            label
                + "."
                + key
                + (key.equals("threads")
                    ? " is no key of one model, all models share the threads of"
                        + " kvasir.runtime.threads;"
                    : " is unknown;")
                + " remove it");
      }
    }
  }

  private static void checkNames(List<RuntimeSettings> all) {
    Set<String> taken = new HashSet<>();
    for (RuntimeSettings one : all) {
      List<String> names = new ArrayList<>(one.aliases());
      names.addFirst(one.modelId());
      for (String name : names) {
        if (name.isBlank() || !taken.add(name)) {
          throw new ConfigurationException(
              "the model id \"%s\" is %s; set a served-name or alias of its own for each model"
                  .formatted(name, name.isBlank() ? "blank" : "given twice"));
        }
      }
    }
  }

  private static RuntimeSettings from(SettingsReader model) {
    SettingsReader engine = model.below("engine");
    return new RuntimeSettings(
        model.text("model"),
        model.text("served-name"),
        model.texts("aliases", MAX_ALIASES),
        model.count("threads", 0, 1024),
        model.choice("weights", WEIGHTS),
        model.choice("pages", PAGES),
        model.count("page-tokens", 1, 4096),
        model.count("max-context-tokens", 0, 1 << 24),
        model.choice("pooling", POOLING),
        model.duration("warm-up", Duration.ZERO, Duration.ofMinutes(10)),
        engine.bytes("arena", 0, 1L << 44),
        engine.count("step-rows", 1, 1 << 20),
        engine.count("step-row-layers", 0, Integer.MAX_VALUE),
        engine.count("max-running", 1, 65536),
        engine.count("max-waiting", 1, 1_000_000),
        engine.duration("lease", Duration.ofSeconds(1), Duration.ofDays(1)),
        blocks(engine.below("blocks")));
  }

  private static BlockOptions blocks(SettingsReader blocks) {
    return new BlockOptions(
        blocks.bytes("load-bytes", 1, 1L << 40),
        blocks.bytes("read-bytes", 1, 1L << 40),
        blocks.count("max-calls", 1, 1 << 20),
        blocks.count("max-pins", 1, 1 << 20),
        blocks.duration("max-pin-ttl", Duration.ofSeconds(1), Duration.ofDays(1)));
  }

  /** The id under which clients ask for the model. */
  public String modelId() {
    if (!servedName.isEmpty()) {
      return servedName;
    }
    String trimmed = model.endsWith("/") ? model.substring(0, model.length() - 1) : model;
    return trimmed.startsWith("dummy:") || trimmed.lastIndexOf('/') < 0
        ? trimmed
        : trimmed.substring(trimmed.lastIndexOf('/') + 1);
  }
}
