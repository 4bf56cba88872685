package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CheckpointTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(strings = {"llama", "mistral", "qwen2", "qwen3", "phi3"})
  void shouldOpenEveryFamilyAsWritten(String family) throws IOException {
    TinyCheckpoints.write(dir, family, 7, TinyCheckpoints.Options.defaults().shardBytes(100_000));

    try (Checkpoint checkpoint = Checkpoint.open(dir.toString())) {
      ModelConfig config = checkpoint.config();
      LayerTensors layer = checkpoint.model().layer(1);
      assertEquals(family, config.modelType());
      assertArrayEquals(new long[] {config.queryWidth(), 64}, layer.q().shape());
      assertArrayEquals(new long[] {config.kvWidth(), 64}, layer.k().shape());
      assertArrayEquals(new long[] {config.kvWidth(), 64}, layer.v().shape());
      assertArrayEquals(new long[] {144, 64}, layer.gate().shape());
      assertArrayEquals(new long[] {144, 64}, layer.up().shape());
      assertEquals(config.qkvBias(), layer.qBias().isPresent());
      assertEquals(List.of(2), checkpoint.generationDefaults().eosTokenIds());
      int[] ids = checkpoint.tokenizer().encode("the end", false);
      assertEquals("the end", checkpoint.tokenizer().decode(ids, true));
      assertEquals(
          "<s>user: hi</s>assistant: ",
          checkpoint
              .chatTemplate()
              .orElseThrow()
              .render(List.of(new ChatMessage("user", "hi")), true));
      assertTrue(checkpoint.revision().matches("[0-9a-f]{32}"));
    }
  }
}
