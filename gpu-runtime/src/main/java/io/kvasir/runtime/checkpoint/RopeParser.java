package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.OptionalDouble;

/**
 * Rotary keys of config.json in their three published spellings: {@code rope_scaling} with {@code
 * rope_type}, the same with the older {@code type}, and {@code rope_parameters}, which also holds
 * {@code rope_theta}.
 */
final class RopeParser {
  private static final int MAX_POSITIONS = 1 << 28;
  private static final double MAX_FACTOR = 1e6;
  private static final String ORIGINAL = "original_max_position_embeddings";

  private final ConfigReader top;
  private final Problems problems;

  RopeParser(ConfigReader top, Problems problems) {
    this.top = top;
    this.problems = problems;
  }

  RopeConfig read(String modelType, int headDim, int maxPositions) {
    String key = top.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
    JsonNode node = top.has(key) ? top.get(key) : JsonNodeFactory.instance.objectNode();
    if (!node.isObject()) {
      top.refuse(key, node, "an object");
      node = JsonNodeFactory.instance.objectNode();
    }
    for (JsonNode value : node) {
      if (value.isObject()) {
        problems.add(
            ModelConfigParser.FILE
                + ": "
                + key
                + " differs by layer type, supported is one rule for all layers: choose another"
                + " model.");
        break;
      }
    }
    ConfigReader in = new ConfigReader(node, ModelConfigParser.FILE + " " + key, problems);
    double theta =
        in.has("rope_theta")
            ? in.doubleOr("rope_theta", 10_000, 1.001, 1e12)
            : top.doubleOr("rope_theta", 10_000, 1.001, 1e12);
    double partial =
        in.has("partial_rotary_factor")
            ? in.doubleOr("partial_rotary_factor", 1, 1e-3, 1)
            : top.doubleOr("partial_rotary_factor", 1, 1e-3, 1);
    int rotaryDims = (int) (headDim * partial);
    if (rotaryDims < 2 || rotaryDims % 2 != 0) {
      problems.add(
          ModelConfigParser.FILE
              + ": partial_rotary_factor="
              + partial
              + " of head_dim="
              + headDim
              + " rotates "
              + rotaryDims
              + " dimensions, allowed is an even number of at least 2: correct the file.");
      rotaryDims = 2;
    }
    return new RopeConfig(theta, rotaryDims, scaling(in, modelType, rotaryDims, maxPositions));
  }

  private RopeScaling scaling(ConfigReader in, String modelType, int rotaryDims, int maxPositions) {
    String type = in.stringOr("rope_type", in.stringOr("type", "default"));
    boolean oldPhi = modelType.equals("phi3") && (type.equals("su") || type.equals("yarn"));
    if (oldPhi && in.has("short_factor")) {
      type = "longrope";
    }
    return switch (type) {
      case "default" -> new RopeScaling.Default();
      case "linear" -> new RopeScaling.Linear(in.requiredDouble("factor", 1, MAX_FACTOR));
      case "llama3" -> llama3(in);
      case "yarn" -> yarn(in, maxPositions);
      case "longrope" -> longRope(in, modelType, rotaryDims, maxPositions);
      default -> {
        problems.add(
            ModelConfigParser.FILE
                + ": rope type is "
                + Problems.quote(type)
                + ", supported are default, linear, llama3, yarn and longrope: choose such a"
                + " model.");
        yield new RopeScaling.Default();
      }
    };
  }

  private RopeScaling llama3(ConfigReader in) {
    double low = in.requiredDouble("low_freq_factor", 1e-3, MAX_FACTOR);
    double high = in.requiredDouble("high_freq_factor", 1e-3, MAX_FACTOR);
    if (high <= low) {
      problems.add(
          ModelConfigParser.FILE
              + ": high_freq_factor="
              + high
              + " must exceed low_freq_factor="
              + low
              + ": correct the file.");
    }
    return new RopeScaling.Llama3(
        in.requiredDouble("factor", 1, MAX_FACTOR),
        low,
        high,
        in.requiredInt(ORIGINAL, 1, MAX_POSITIONS));
  }

  private RopeScaling yarn(ConfigReader in, int maxPositions) {
    return new RopeScaling.Yarn(
        in.requiredDouble("factor", 1, MAX_FACTOR),
        originalPositions(in, maxPositions),
        in.doubleOr("beta_fast", 32, 1e-3, MAX_FACTOR),
        in.doubleOr("beta_slow", 1, 1e-3, MAX_FACTOR),
        in.optionalDouble("mscale", 0, 100),
        in.optionalDouble("mscale_all_dim", 0, 100),
        in.optionalDouble("attention_factor", 1e-6, 100),
        in.booleanOr("truncate", true));
  }

  private RopeScaling longRope(
      ConfigReader in, String modelType, int rotaryDims, int maxPositions) {
    if (in.has("short_mscale") || in.has("long_mscale")) {
      problems.add(
          ModelConfigParser.FILE
              + ": short_mscale and long_mscale are not supported for longrope: choose a phi3"
              + " model without them.");
    }
    // The phi3 configuration class has an original length of 4096 even where the file has none.
    boolean phi3 = modelType.equals("phi3");
    boolean given = phi3 || in.has(ORIGINAL) || top.has(ORIGINAL);
    int original = originalPositions(in, phi3 ? 4096 : maxPositions);
    // Without an original length the published rule takes the stated factor instead.
    double extension =
        given ? (double) maxPositions / original : in.doubleOr("factor", 1, 1e-6, MAX_FACTOR);
    OptionalDouble attention = in.optionalDouble("attention_factor", 1e-6, 100);
    if (original < 2 && extension > 1 && attention.isEmpty()) {
      problems.add(
          ModelConfigParser.FILE
              + ": original_max_position_embeddings="
              + original
              + " is too small for longrope, allowed is at least 2: correct the file.");
    }
    return new RopeScaling.LongRope(
        in.doubles("short_factor", rotaryDims / 2, 1e-6, 1e9),
        in.doubles("long_factor", rotaryDims / 2, 1e-6, 1e9),
        original,
        extension,
        attention);
  }

  private int originalPositions(ConfigReader in, int fallback) {
    return in.has(ORIGINAL)
        ? in.intOr(ORIGINAL, fallback, 1, MAX_POSITIONS)
        : top.intOr(ORIGINAL, fallback, 1, MAX_POSITIONS);
  }
}
