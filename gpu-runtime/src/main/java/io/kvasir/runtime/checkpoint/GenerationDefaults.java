package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What generation_config.json recommends, used where a request says nothing. Absent keys stay
 * absent; without the file only the end ids of config.json are known. Immutable.
 *
 * @param doSample false asks for greedy decoding; true when absent but a temperature is given
 * @param eosTokenIds ids that end the answer
 */
public record GenerationDefaults(
    boolean doSample,
    OptionalDouble temperature,
    OptionalDouble topP,
    OptionalInt topK,
    OptionalDouble minP,
    OptionalDouble repetitionPenalty,
    List<Integer> bosTokenIds,
    List<Integer> eosTokenIds) {
  static final String FILE = "generation_config.json";

  public GenerationDefaults {
    bosTokenIds = List.copyOf(bosTokenIds);
    eosTokenIds = List.copyOf(eosTokenIds);
  }

  /** Defaults of a folder without generation_config.json. */
  public static GenerationDefaults of(ModelConfig config) {
    return read(
        new ConfigReader(JsonNodeFactory.instance.objectNode(), FILE, new Problems()), config);
  }

  /**
   * Reads the bytes of a generation_config.json; ids it leaves out come from {@code config}.
   *
   * @throws CheckpointException listing every value out of range
   */
  public static GenerationDefaults parse(byte[] json, ModelConfig config) {
    Problems problems = new Problems();
    ConfigReader in = new ConfigReader(Json.object(json, FILE), FILE, problems);
    GenerationDefaults defaults = read(in, config);
    problems.throwIfAny();
    return defaults;
  }

  private static GenerationDefaults read(ConfigReader in, ModelConfig config) {
    OptionalDouble temperature = in.optionalDouble("temperature", 0, 100);
    return new GenerationDefaults(
        in.booleanOr("do_sample", temperature.isPresent()),
        temperature,
        in.optionalDouble("top_p", 0, 1),
        in.has("top_k")
            ? OptionalInt.of(in.intOr("top_k", 0, -1, Integer.MAX_VALUE))
            : OptionalInt.empty(),
        in.optionalDouble("min_p", 0, 1),
        in.optionalDouble("repetition_penalty", 1e-3, 1e3),
        in.has("bos_token_id")
            ? in.tokenIds("bos_token_id", config.vocabSize())
            : config.bosTokenIds(),
        in.has("eos_token_id")
            ? in.tokenIds("eos_token_id", config.vocabSize())
            : config.eosTokenIds());
  }
}
