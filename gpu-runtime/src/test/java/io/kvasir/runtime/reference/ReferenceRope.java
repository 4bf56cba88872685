package io.kvasir.runtime.reference;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Rotary angles in f64 from config.json, after the published rules (default, linear, llama3, yarn,
 * longrope).
 *
 * @param frequencies radians per position, one for each rotated pair
 * @param magnitude factor on cos and sin
 */
record ReferenceRope(double[] frequencies, double magnitude) {
  /**
   * @param tokenCount total length of the sequence, which selects longrope's factor list
   */
  static ReferenceRope of(ReferenceCheckpoint checkpoint, int headDim, int tokenCount) {
    JsonNode config = checkpoint.config;
    JsonNode nested = config.get("rope_parameters");
    JsonNode scaling = nested != null ? nested : config.get("rope_scaling");
    double theta =
        nested != null && nested.hasNonNull("rope_theta")
            ? nested.get("rope_theta").asDouble()
            : checkpoint.number("rope_theta", 10000);
    double part =
        nested != null && nested.hasNonNull("partial_rotary_factor")
            ? nested.get("partial_rotary_factor").asDouble()
            : checkpoint.number("partial_rotary_factor", 1);
    int rotated = (int) (headDim * part);
    double[] plain = new double[rotated / 2];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = Math.pow(theta, -2.0 * i / rotated);
    }
    if (scaling == null || scaling.isNull()) {
      return new ReferenceRope(plain, 1);
    }
    String type = scaling.hasNonNull("rope_type") ? scaling.get("rope_type").asText() : null;
    if (type == null) {
      type = scaling.hasNonNull("type") ? scaling.get("type").asText() : "default";
    }
    if (config.get("model_type").asText().equals("phi3")
        && (type.equals("su") || type.equals("yarn"))) {
      type = "longrope";
    }
    int maxPositions = checkpoint.integer("max_position_embeddings", 2048);
    int original =
        scaling.hasNonNull("original_max_position_embeddings")
            ? scaling.get("original_max_position_embeddings").asInt()
            : checkpoint.integer("original_max_position_embeddings", maxPositions);
    return switch (type) {
      case "default" -> new ReferenceRope(plain, 1);
      case "linear" -> linear(plain, scaling.get("factor").asDouble());
      case "llama3" -> llama3(plain, scaling, original);
      case "yarn" -> yarn(plain, scaling, theta, rotated, original);
      case "longrope" -> longRope(plain, scaling, original, maxPositions, tokenCount);
      default -> throw new IllegalStateException("rope type " + type);
    };
  }

  private static ReferenceRope linear(double[] plain, double factor) {
    for (int i = 0; i < plain.length; i++) {
      plain[i] /= factor;
    }
    return new ReferenceRope(plain, 1);
  }

  private static ReferenceRope llama3(double[] plain, JsonNode scaling, int original) {
    double factor = scaling.get("factor").asDouble();
    double low = scaling.get("low_freq_factor").asDouble();
    double high = scaling.get("high_freq_factor").asDouble();
    for (int i = 0; i < plain.length; i++) {
      double wavelength = 2 * Math.PI / plain[i];
      if (wavelength > original / low) {
        plain[i] /= factor;
      } else if (wavelength >= original / high) {
        double mix = (original / wavelength - low) / (high - low);
        plain[i] = (1 - mix) * plain[i] / factor + mix * plain[i];
      }
    }
    return new ReferenceRope(plain, 1);
  }

  private static ReferenceRope yarn(
      double[] plain, JsonNode scaling, double theta, int rotated, int original) {
    double factor = scaling.get("factor").asDouble();
    double low = turnsAt(number(scaling, "beta_fast", 32), theta, rotated, original);
    double high = turnsAt(number(scaling, "beta_slow", 1), theta, rotated, original);
    if (!scaling.hasNonNull("truncate") || scaling.get("truncate").asBoolean()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, rotated - 1);
    if (low == high) {
      high += 0.001;
    }
    for (int i = 0; i < plain.length; i++) {
      double ramp = Math.clamp((i - low) / (high - low), 0.0, 1.0);
      plain[i] = plain[i] / factor * ramp + plain[i] * (1 - ramp);
    }
    double magnitude;
    if (scaling.hasNonNull("attention_factor")) {
      magnitude = scaling.get("attention_factor").asDouble();
    } else if (scaling.hasNonNull("mscale") && scaling.hasNonNull("mscale_all_dim")) {
      magnitude =
          yarnMagnitude(factor, scaling.get("mscale").asDouble())
              / yarnMagnitude(factor, scaling.get("mscale_all_dim").asDouble());
    } else {
      magnitude = yarnMagnitude(factor, 1);
    }
    return new ReferenceRope(plain, magnitude);
  }

  private static double turnsAt(double turns, double theta, int rotated, int original) {
    return rotated * Math.log(original / (2 * Math.PI * turns)) / (2 * Math.log(theta));
  }

  private static double yarnMagnitude(double factor, double weight) {
    return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  }

  private static ReferenceRope longRope(
      double[] plain, JsonNode scaling, int original, int maxPositions, int tokenCount) {
    JsonNode divisors = scaling.get(tokenCount > original ? "long_factor" : "short_factor");
    for (int i = 0; i < plain.length; i++) {
      plain[i] /= divisors.get(i).asDouble();
    }
    double extension = number(scaling, "factor", (double) maxPositions / original);
    double magnitude = extension <= 1 ? 1 : Math.sqrt(1 + Math.log(extension) / Math.log(original));
    return new ReferenceRope(plain, number(scaling, "attention_factor", magnitude));
  }

  private static double number(JsonNode node, String key, double absent) {
    return node.hasNonNull(key) ? node.get(key).asDouble() : absent;
  }
}
