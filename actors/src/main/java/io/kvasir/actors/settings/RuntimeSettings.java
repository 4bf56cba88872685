package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.util.List;

/**
 * Settings of model and engine; each is described in gpu-runtime's reference.conf.
 *
 * @param model a folder, {@code embedded}, {@code dummy:NAME} or {@code dummy:PATH/config.json}
 * @param servedName the model id that clients name; empty = derived from the location
 * @param threads 0 = one per available processor
 * @param arenaBytes 0 = chosen from model and memory
 */
public record RuntimeSettings(
    String model,
    String servedName,
    int threads,
    long arenaBytes,
    String weights,
    String pages,
    int blockTokens,
    int maxSequences,
    int maxQueued,
    int stepRows,
    int maxContextTokens) {
  /** Accepted values of {@code weights}. */
  public static final List<String> WEIGHTS =
      List.of("stored", "f32", "bf16", "f16", "int8", "int4");

  /** Accepted values of {@code pages}. */
  public static final List<String> PAGES = List.of("bf16", "f32");

  static RuntimeSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.gpu-runtime");
    return new RuntimeSettings(
        reader.text("model"),
        reader.text("served-name"),
        reader.count("threads", 0, 1024),
        reader.bytes("arena", 0, 1L << 44),
        reader.choice("weights", WEIGHTS),
        reader.choice("pages", PAGES),
        reader.count("block-tokens", 1, 4096),
        reader.count("max-sequences", 1, 65536),
        reader.count("max-queued", 1, 1_000_000),
        reader.count("step-rows", 1, 1 << 20),
        reader.count("max-context-tokens", 0, 1 << 24));
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
