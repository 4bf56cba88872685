package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MiniatureTest {
  private static ModelConfig config(String name) {
    return ModelConfig.parse(DummyModels.configJson(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bench-150m", "llama-3.2-1b"})
  void shouldKeepWhatChoosesTheCodeOfAStep(String name) {
    ModelConfig whole = config(name);
    ModelConfig little = whole.miniature(128);
    assertEquals(whole.modelType(), little.modelType());
    assertEquals(whole.headDim(), little.headDim());
    assertEquals(
        whole.headCount() / whole.kvHeadCount(), little.headCount() / little.kvHeadCount());
    assertEquals(whole.tieWordEmbeddings(), little.tieWordEmbeddings());
    assertEquals(whole.rope(), little.rope());
    assertEquals(
        List.of(whole.slidingWindow(0), whole.slidingWindow(whole.layerCount() - 1)),
        little.slidingWindows());
    assertTrue(little.parameterCount() * 50 < whole.parameterCount(), little::toString);
    // It is a model: everything that a loader expects is there.
    ModelTensors.of(little, new DummyTensors(little, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4096})
  void shouldRefuseWhatIsNoMiniature(int hidden) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> config("bench-150m").miniature(hidden));
    assertTrue(refused.getMessage().contains("hidden=" + hidden), refused.getMessage());
  }
}
