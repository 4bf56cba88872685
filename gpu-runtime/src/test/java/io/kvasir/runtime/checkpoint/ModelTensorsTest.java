package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Strict mode: every expected tensor once, as expected, and nothing unknown. */
final class ModelTensorsTest {
  private static final String Q = "model.layers.1.self_attn.q_proj.weight";

  @TempDir Path dir;

  /** Types and shapes only; a test changes some. */
  private static final class Listed implements TensorSource {
    final Map<String, TensorView> views = new LinkedHashMap<>();

    Listed(ModelConfig config) {
      ModelTensors.expected(config).forEach(spec -> put(spec.name(), DType.BF16, spec.shape()));
    }

    void put(String name, DType dtype, long... shape) {
      views.put(name, new TensorView(name, dtype, shape, MemorySegment.NULL));
    }

    @Override
    public Set<String> names() {
      return views.keySet();
    }

    @Override
    public TensorView describe(String name) {
      return views.get(name);
    }

    @Override
    public TensorView tensor(String name) {
      return views.get(name);
    }

    @Override
    public String revision() {
      return "0";
    }

    @Override
    public void close() {
      // Nothing to give back.
    }
  }

  private static ModelConfig config(String family) {
    return ModelConfig.parse(TinyCheckpoints.configJson(family).getBytes(StandardCharsets.UTF_8));
  }

  private static String refusal(String family, java.util.function.Consumer<Listed> change) {
    ModelConfig config = config(family);
    Listed source = new Listed(config);
    change.accept(source);
    var e = assertThrows(CheckpointException.class, () -> ModelTensors.of(config, source));
    assertEquals(1, e.problems().size(), e.problems().toString());
    return e.getMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "mistral", "qwen2", "qwen3", "phi3"})
  void shouldAcceptExactlyWhatTheFamilyHas(String family) {
    ModelConfig config = config(family);
    assertDoesNotThrow(() -> ModelTensors.of(config, new Listed(config)));
  }

  @Test
  void shouldRefuseMissingUnknownAndMisshapenTensors() {
    assertTrue(refusal("mistral", s -> s.views.remove(Q)).contains(Q + " [96, 64] is missing"));
    assertTrue(refusal("mistral", s -> s.put(Q, DType.F16, 64, 64)).contains("[64, 64]"));
    assertTrue(refusal("mistral", s -> s.put(Q, DType.F8_E4M3, 96, 64)).contains("F8_E4M3"));
    String bias = "model.layers.0.self_attn.q_proj.bias";
    assertTrue(refusal("mistral", s -> s.put(bias, DType.F16, 96)).contains("unknown"));
    assertTrue(refusal("mistral", s -> s.put("visual.x", DType.F16, 1)).contains("visual.x"));
  }

  @Test
  void shouldSayWhatToDoWithoutAnOutputMatrix() {
    String message = refusal("mistral", s -> s.views.remove("lm_head.weight"));
    assertTrue(message.contains("tie_word_embeddings"), message);
  }

  @Test
  void shouldAllowOldFrequenciesAndATiedCopy() {
    ModelConfig config = config("llama");
    Listed source = new Listed(config);
    source.put("model.layers.0.self_attn.rotary_emb.inv_freq", DType.F32, 8);
    source.put("lm_head.weight", DType.BF16, 320, 64);
    ModelTensors tensors = assertDoesNotThrow(() -> ModelTensors.of(config, source));
    assertTrue(tensors.lmHeadIsTied());
    assertEquals("model.embed_tokens.weight", tensors.lmHead().name());
  }

  @Test
  void shouldCutFusedTensorsAtHeadBorders() throws IOException {
    TinyCheckpoints.write(dir, "phi3", 4);
    try (Checkpoint checkpoint = Checkpoint.open(dir.toString())) {
      LayerTensors layer = checkpoint.model().layer(2);
      String prefix = "model.layers.2.";
      float[] qkv = checkpoint.tensors().tensor(prefix + "self_attn.qkv_proj.weight").toFloats();
      assertArrayEquals(Arrays.copyOfRange(qkv, 0, 4096), layer.q().toFloats());
      assertArrayEquals(Arrays.copyOfRange(qkv, 4096, 8192), layer.k().toFloats());
      assertArrayEquals(Arrays.copyOfRange(qkv, 8192, 12_288), layer.v().toFloats());
      float[] both = checkpoint.tensors().tensor(prefix + "mlp.gate_up_proj.weight").toFloats();
      assertArrayEquals(Arrays.copyOfRange(both, 0, 9216), layer.gate().toFloats());
      assertArrayEquals(Arrays.copyOfRange(both, 9216, 18_432), layer.up().toFloats());
    }
  }
}
