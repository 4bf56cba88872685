package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The fields that say how tokens are drawn and what ends an answer; the same on both endpoints. */
final class SamplingFields {
  private static final int MAX_STOPS = 64;
  private static final int MAX_STOP_CHARS = 1024;

  private SamplingFields() {}

  static OpenAiRequest.Draw draw(RequestFields fields) {
    Long topK = fields.integer("top_k", -1, Integer.MAX_VALUE);
    return new OpenAiRequest.Draw(
        fields.number("temperature", 0, false, 2),
        fields.number("top_p", 0, true, 1),
        // -1 is how vLLM's clients switch it off.
        topK == null ? null : (int) Math.max(0, topK),
        fields.number("min_p", 0, false, 1),
        fields.number("typical_p", 0, true, 1),
        fields.number("repetition_penalty", 0, true, 100),
        fields.number("presence_penalty", -2, false, 2),
        fields.number("frequency_penalty", -2, false, 2),
        logitBias(fields),
        fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE));
  }

  private static Map<Integer, Float> logitBias(RequestFields fields) {
    RequestFields biases = fields.object("logit_bias");
    Map<Integer, Float> biasOf = new HashMap<>();
    if (biases == null) {
      return biasOf;
    }
    if (biases.names().size() > SamplingParameters.MAX_BIASES) {
      throw ApiException.invalidValue(
          "logit_bias",
          "logit_bias has %d entries, the limit is %d, send fewer"
              .formatted(biases.names().size(), SamplingParameters.MAX_BIASES));
    }
    for (String token : biases.names()) {
      if (!token.matches("[0-9]{1,9}")) {
        throw ApiException.invalidValue(
            "logit_bias",
            "logit_bias has the key %s where a token id is expected, POST /tokenize tells ids"
                .formatted(RequestFields.shorten(token)));
      }
      Double bias = biases.number(token, -100, false, 100);
      if (bias != null) {
        biasOf.put(Integer.parseInt(token), bias.floatValue());
      }
    }
    return biasOf;
  }

  static OpenAiRequest.Stops stops(RequestFields fields) {
    return new OpenAiRequest.Stops(
        stopStrings(fields),
        stopIds(fields),
        fields.flag("include_stop_str_in_output"),
        fields.flag("ignore_eos"));
  }

  private static List<String> stopStrings(RequestFields fields) {
    JsonNode value = fields.get("stop");
    if (value == null) {
      return List.of();
    }
    List<String> stops = new ArrayList<>();
    if (value.isTextual()) {
      stops.add(value.textValue());
    } else if (value.isArray()) {
      for (JsonNode each : value) {
        if (!each.isTextual()) {
          throw fields.wrongType("stop", each, "a string, or an array of strings,");
        }
        stops.add(each.textValue());
      }
    } else {
      throw fields.wrongType("stop", value, "a string, or an array of strings,");
    }
    checkCount("stop", stops.size());
    for (String stop : stops) {
      if (stop.isEmpty() || stop.length() > MAX_STOP_CHARS) {
        throw ApiException.invalidValue(
            "stop",
            "a stop string of %d characters is outside 1 to %d, change or remove it"
                .formatted(stop.length(), MAX_STOP_CHARS));
      }
    }
    return stops;
  }

  private static List<Integer> stopIds(RequestFields fields) {
    JsonNode value = fields.get("stop_token_ids");
    List<Integer> ids = new ArrayList<>();
    if (value != null) {
      for (int id : fields.ids("stop_token_ids", value)) {
        ids.add(id);
      }
      checkCount("stop_token_ids", ids.size());
    }
    return ids;
  }

  private static void checkCount(String name, int count) {
    if (count > MAX_STOPS) {
      throw ApiException.invalidValue(
          name, "%s has %d entries, the limit is %d, send fewer".formatted(name, count, MAX_STOPS));
    }
  }
}
