package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModelConfigTest {
  private static final String SIZES =
      "\"vocab_size\": 1000, \"hidden_size\": 256, \"intermediate_size\": 512,"
          + " \"num_hidden_layers\": 4, \"num_attention_heads\": 8";

  private static ModelConfig parse(String type, String more) {
    String json = "{\"model_type\": \"" + type + "\", " + SIZES + more + "}";
    return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static String refusal(String type, String more) {
    return assertThrows(CheckpointException.class, () -> parse(type, more)).getMessage();
  }

  @Test
  void shouldFillLlama2DefaultsWhereKeysAreAbsent() {
    ModelConfig c = parse("llama", "");
    assertEquals(8, c.kvHeadCount());
    assertEquals(32, c.headDim());
    assertEquals(new RopeConfig(10_000, 32, new RopeScaling.Default()), c.rope());
    assertEquals(List.of(0, 0, 0, 0), c.slidingWindows());
    assertEquals(false, c.qkvBias() || c.mlpBias() || c.attentionOutputBias() || c.qkNorm());
    assertEquals(List.of(), c.eosTokenIds());
  }

  @Test
  void shouldAddLlamaBiasesWhenAskedFor() {
    ModelConfig c = parse("llama", ", \"attention_bias\": true, \"mlp_bias\": true");
    assertTrue(c.qkvBias() && c.attentionOutputBias() && c.mlpBias());
  }

  @Test
  void shouldSlideAllLayersOfMistralUnlessNull() {
    assertEquals(List.of(4096, 4096, 4096, 4096), parse("mistral", "").slidingWindows());
    assertEquals(
        List.of(0, 0, 0, 0), parse("mistral", ", \"sliding_window\": null").slidingWindows());
    assertEquals(8, parse("mistral", "").kvHeadCount());
  }

  @Test
  void shouldSlideUpperLayersOfQwen2OnlyWhenUsed() {
    String kv = ", \"num_key_value_heads\": 2";
    String window = kv + ", \"sliding_window\": 64, \"max_window_layers\": 3";
    assertEquals(List.of(0, 0, 0, 0), parse("qwen2", window).slidingWindows());
    ModelConfig used = parse("qwen2", window + ", \"use_sliding_window\": true");
    assertEquals(List.of(0, 0, 0, 64), used.slidingWindows());
    assertTrue(used.qkvBias());
    assertEquals(false, used.attentionOutputBias());
    ModelConfig listed =
        parse(
            "qwen2",
            window
                + ", \"use_sliding_window\": true, \"layer_types\": [\"sliding_attention\","
                + " \"full_attention\", \"sliding_attention\", \"full_attention\"]");
    assertEquals(List.of(64, 0, 64, 0), listed.slidingWindows());
  }

  @Test
  void shouldTakeQwen3HeadsOf128() {
    ModelConfig c = parse("qwen3", ", \"num_key_value_heads\": 4");
    assertEquals(128, c.headDim());
    assertEquals(1024, c.queryWidth());
    assertTrue(c.qkNorm());
  }

  @Test
  void shouldReadNestedRopeParameters() {
    ModelConfig c =
        parse(
            "llama",
            ", \"rope_parameters\": {\"rope_theta\": 500000.0, \"rope_type\": \"llama3\","
                + " \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
                + " \"original_max_position_embeddings\": 8192}");
    assertEquals(500_000, c.rope().theta());
    assertEquals(new RopeScaling.Llama3(8, 1, 4, 8192), c.rope().scaling());
  }

  @Test
  void shouldReadOldSpellingsOfRopeScaling() {
    assertEquals(
        new RopeScaling.Linear(2),
        parse("llama", ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}")
            .rope()
            .scaling());
    ModelConfig su =
        parse(
            "phi3",
            ", \"partial_rotary_factor\": 0.25, \"max_position_embeddings\": 8192,"
                + " \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 1, 1, 1],"
                + " \"long_factor\": [2, 2, 2, 2]}");
    var longRope = assertInstanceOf(RopeScaling.LongRope.class, su.rope().scaling());
    assertEquals(8, su.rope().rotaryDims());
    assertEquals(4096, longRope.originalMaxPositions());
    assertEquals(2, longRope.extension());
  }

  @Test
  void shouldReadYarnWithItsOwnAndTheModelsLengths() {
    ModelConfig c =
        parse(
            "qwen3",
            ", \"num_key_value_heads\": 8, \"max_position_embeddings\": 40960,"
                + " \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0,"
                + " \"original_max_position_embeddings\": 32768}");
    OptionalDouble none = OptionalDouble.empty();
    assertEquals(
        new RopeScaling.Yarn(4, 32_768, 32, 1, none, none, none, true), c.rope().scaling());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama | , \"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 2} | rope type",
        "llama | , \"hidden_act\": \"gelu\" | hidden_act",
        "llama | , \"quantization_config\": {\"quant_method\": \"awq\"} | quantization_config",
        "llama | , \"architectures\": [\"LlamaForSequenceClassification\"] | architectures",
        "llama | , \"num_key_value_heads\": 3 | num_key_value_heads",
        "llama | , \"torch_dtype\": \"float8_e4m3fn\" | torch_dtype",
        "llama | , \"eos_token_id\": 1000 | eos_token_id",
        "llama | , \"rms_norm_eps\": -1 | rms_norm_eps",
        "qwen2 | , \"num_key_value_heads\": 2, \"layer_types\": [\"full_attention\"] | layer_types",
        "phi3  | , \"partial_rotary_factor\": 0.1 | partial_rotary_factor",
        "gemma2 | , \"head_dim\": 32 | model_type",
      })
  void shouldRefuseWhatItCannotCompute(String type, String more, String key) {
    String message = refusal(type, more);
    assertTrue(message.contains(key), message);
    assertTrue(message.endsWith("."), message);
  }

  @Test
  void shouldListAllProblemsAtOnce() {
    var e =
        assertThrows(
            CheckpointException.class,
            () ->
                ModelConfig.parse("{\"model_type\": \"llama\"}".getBytes(StandardCharsets.UTF_8)));
    assertEquals(5, e.problems().size(), e.problems().toString());
    assertTrue(e.getMessage().contains("4 more"), e.getMessage());
  }

  @Test
  void shouldKnowTheSizesOfPublishedShapes() {
    assertEquals(1_235_814_400L, dummy("llama-3.2-1b").parameterCount());
    assertEquals(8_030_261_248L, dummy("llama-3.1-8b").parameterCount());
    assertEquals(494_032_768L, dummy("qwen2.5-0.5b").parameterCount());
    assertEquals(596_049_920L, dummy("qwen3-0.6b").parameterCount());
    assertEquals(7_241_732_096L, dummy("mistral-7b").parameterCount());
    assertEquals(3_821_079_552L, dummy("phi-3-mini").parameterCount());
    assertEquals(131_072, dummy("llama-3.1-8b").kvBytesPerToken(2));
  }

  private static ModelConfig dummy(String name) {
    return ModelConfig.parse(DummyModels.configJson(name));
  }
}
