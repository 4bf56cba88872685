package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.List;

/**
 * Settings of model and engine; each is described in gpu-runtime's reference.conf.
 *
 * @param model a folder, {@code embedded:NAME}, {@code dummy:NAME} or {@code
 *     dummy:PATH/config.json}
 * @param servedName the model id that clients name; empty = derived from the location
 * @param threads 0 = one per available processor
 * @param warmUp zero = none
 * @param arenaBytes 0 = chosen from model and memory
 * @param stepRowLayers 0 = no bound
 */
public record RuntimeSettings(
    String model,
    String servedName,
    int threads,
    String weights,
    String pages,
    int pageTokens,
    int maxContextTokens,
    Duration warmUp,
    long arenaBytes,
    int stepRows,
    long stepRowLayers,
    int maxRunning,
    int maxWaiting,
    Duration lease) {
  /** Config path. */
  public static final String PATH = "kvasir.runtime";

  /** Accepted values of {@code weights}. */
  public static final List<String> WEIGHTS =
      List.of("stored", "f32", "bf16", "f16", "int8", "int4");

  /** Accepted values of {@code pages}. */
  public static final List<String> PAGES = List.of("bf16", "f32");

  static RuntimeSettings from(Config config) {
    SettingsReader model = new SettingsReader(config, PATH);
    SettingsReader engine = new SettingsReader(config, PATH + ".engine");
    return new RuntimeSettings(
        model.text("model"),
        model.text("served-name"),
        model.count("threads", 0, 1024),
        model.choice("weights", WEIGHTS),
        model.choice("pages", PAGES),
        model.count("page-tokens", 1, 4096),
        model.count("max-context-tokens", 0, 1 << 24),
        model.duration("warm-up", Duration.ZERO, Duration.ofMinutes(10)),
        engine.bytes("arena", 0, 1L << 44),
        engine.count("step-rows", 1, 1 << 20),
        engine.count("step-row-layers", 0, Integer.MAX_VALUE),
        engine.count("max-running", 1, 65536),
        engine.count("max-waiting", 1, 1_000_000),
        engine.duration("lease", Duration.ofSeconds(1), Duration.ofDays(1)));
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
