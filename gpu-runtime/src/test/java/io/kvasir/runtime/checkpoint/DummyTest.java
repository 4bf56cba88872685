package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DummyTest {
  @TempDir Path dir;

  @Test
  void shouldMakeTheBenchShape() {
    try (Checkpoint checkpoint = Checkpoint.open("dummy:bench-150m")) {
      assertEquals("bench-150m", checkpoint.name());
      assertEquals(152_069_120L, checkpoint.config().parameterCount());
      assertFalse(checkpoint.model().lmHeadIsTied());
      assertArrayEquals(new long[] {256, 1024}, checkpoint.model().layer(11).k().shape());
      assertEquals(4096, checkpoint.config().maxPositionEmbeddings());
    }
  }

  @Test
  void shouldGiveEqualValuesInAnyOrderAndAnyRows() {
    try (Checkpoint a = Checkpoint.open("dummy:bench-150m");
        Checkpoint b = Checkpoint.open("dummy:bench-150m")) {
      float[] whole = a.model().layer(3).v().toFloats();
      b.model().layer(7).q();
      assertArrayEquals(whole, b.model().layer(3).v().toFloats());
      String name = "model.layers.3.self_attn.v_proj.weight";
      float[] rows = a.tensors().rows(name, 101, 105).toFloats();
      assertArrayEquals(Arrays.copyOfRange(whole, 101 * 1024, 105 * 1024), rows);
      assertFalse(Arrays.equals(whole, a.model().layer(4).v().toFloats()));
      assertEquals(a.revision(), b.revision());
    }
  }

  @Test
  void shouldCutRowsAtAnyElement() throws IOException {
    Path config = dir.resolve("config.json");
    String odd = TinyCheckpoints.configJson("llama");
    Files.writeString(
        config, odd.replace("\"intermediate_size\": 144", "\"intermediate_size\": 9"));
    try (Checkpoint checkpoint = Checkpoint.open("dummy:" + config)) {
      String name = "model.layers.0.mlp.down_proj.weight";
      float[] whole = checkpoint.tensors().tensor(name).toFloats();
      for (int row = 0; row < 4; row++) {
        assertArrayEquals(
            Arrays.copyOfRange(whole, row * 9, row * 9 + 9),
            checkpoint.tensors().rows(name, row, row + 1).toFloats());
      }
    }
  }

  @Test
  void shouldSpreadValuesByFanInAndKeepNormsNearOne() {
    try (Checkpoint checkpoint = Checkpoint.open("dummy:qwen2.5-0.5b")) {
      LayerTensors layer = checkpoint.model().layer(0);
      assertEquals(1 / Math.sqrt(4864), deviation(layer.down().toFloats()), 1e-4);
      assertEquals(0.05, deviation(layer.inputNorm().toFloats()), 0.01);
      assertEquals(1, mean(layer.inputNorm().toFloats()), 0.01);
      assertEquals(0, mean(layer.qBias().orElseThrow().toFloats()), 0.02);
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  private static double deviation(float[] values) {
    double mean = mean(values);
    double sum = 0;
    for (float value : values) {
      sum += (value - mean) * (value - mean);
    }
    return Math.sqrt(sum / values.length);
  }

  @Test
  void shouldSliceFusedTensorsWithoutMakingAllOfThem() {
    try (Checkpoint checkpoint = Checkpoint.open("dummy:phi-3-mini")) {
      LayerTensors layer = checkpoint.model().layer(0);
      float[] k = layer.k().rows(0, 2).toFloats();
      assertArrayEquals(
          k,
          checkpoint
              .tensors()
              .rows("model.layers.0.self_attn.qkv_proj.weight", 3072, 3074)
              .toFloats());
    }
  }

  @Test
  void shouldNameKnownShapesWhenOneIsUnknown() {
    var e = assertThrows(CheckpointException.class, () -> Checkpoint.open("dummy:gpt-9"));
    assertTrue(e.getMessage().contains("bench-150m"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "t300",
        "t300 t301 hello",
        " t300",
        "  two  t300 blanks ",
        "xt300 t300x t3 t99999 t0300",
        "zwölf 😀\n\tt300",
        "t300\nt300"
      })
  void shouldWriteAndReadAnyText(String text) {
    try (TextTokenizer tokenizer = tokenizer()) {
      int[] ids = tokenizer.encode(text, false);
      assertEquals(text, tokenizer.decode(ids, true));
      StreamDecoder stream = new StreamDecoder(tokenizer, true);
      StringBuilder pieces = new StringBuilder();
      for (int id : ids) {
        pieces.append(stream.next(id));
      }
      assertEquals(text, pieces.append(stream.finish()).toString());
    }
  }

  @Test
  void shouldReadWordsAsTheirIds() {
    try (TextTokenizer tokenizer = tokenizer()) {
      assertArrayEquals(new int[] {300, 8191, 300}, tokenizer.encode("t300 t8191 t300", false));
      assertArrayEquals(new int[] {1, 300}, tokenizer.encode("t300", true));
      assertEquals(List.of(300), tokenizer.tokenToId("t300").stream().toList());
      assertEquals("", tokenizer.decode(new int[] {1, 2}, true));
      assertEquals("<t1><t2>", tokenizer.decode(new int[] {1, 2}, false));
    }
  }

  private static TextTokenizer tokenizer() {
    return new DummyTokenizer(ModelConfig.parse(DummyModels.configJson("bench-150m")));
  }
}
