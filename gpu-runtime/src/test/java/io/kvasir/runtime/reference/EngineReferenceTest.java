package io.kvasir.runtime.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.TinyCheckpoints;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import io.kvasir.runtime.model.ModelLoader;
import io.kvasir.runtime.model.SeamHarness;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The engine's arithmetic against independent implementations on the same published files. */
final class EngineReferenceTest {
  @TempDir Path dir;

  @ParameterizedTest(name = "{0} at {1} tokens")
  @CsvSource({
    "llama, 100",
    "mistral, 100",
    "qwen2, 100",
    "qwen3, 100",
    "phi3, 60",
    "phi3, 100",
  })
  void shouldEqualLibtorchInF64(String family, int tokenCount) throws IOException {
    Path folder = TinyCheckpoints.write(dir, family, 21);
    int[] tokens = new Random(21).ints(tokenCount, 0, 320).toArray();
    double[][] expected;
    try (TorchReference torch = new TorchReference(folder)) {
      expected = torch.logits(tokens);
    }
    double largest = 0;
    double error = 0;
    try (SeamHarness h = open(folder, tokenCount);
        SequenceCache sequence = h.sequence()) {
      int at = 0;
      for (int chunk : new int[] {37, 1, tokenCount - 38}) {
        float[][] rows = h.plain(sequence, Arrays.copyOfRange(tokens, at, at + chunk));
        for (int r = 0; r < chunk; r++) {
          for (int v = 0; v < 320; v++) {
            largest = Math.max(largest, Math.abs(expected[at + r][v]));
            error = Math.max(error, Math.abs(expected[at + r][v] - rows[r][v]));
          }
        }
        at += chunk;
      }
    }
    assertTrue(error <= 1e-4 * largest, "error=" + error + " of max|logit|=" + largest);
  }

  private static SeamHarness open(Path folder, int contextTokens) {
    Device device = Devices.cpu(2);
    try (Checkpoint checkpoint = Checkpoint.open(folder.toString())) {
      LoadOptions options =
          LoadOptions.defaults()
              .weights(WeightFormat.F32)
              .pages(PageEncoding.F32)
              .slots(16)
              .maxContextTokens(contextTokens);
      DecoderModel model =
          ModelLoader.load(device, checkpoint.config(), checkpoint.tensors(), options);
      return SeamHarness.of(device, model, PageEncoding.F32);
    }
  }

  @Test
  void shouldChooseTheTokensOfLlamaCppWhereverItsMarginIsClear() throws IOException {
    int clear = 0;
    int positions = 0;
    for (int seed = 1; seed <= 5; seed++) {
      Path scratch = java.nio.file.Files.createDirectory(dir.resolve("s" + seed));
      PlainLlama written = PlainLlama.write(scratch, seed);
      int[] tokens = new Random(seed).ints(64, 0, PlainLlama.VOCABULARY).toArray();
      LlamaCppReference.Successor[] successors;
      try (LlamaCppReference llama = new LlamaCppReference(written.gguf(), 128, 1e-3, scratch)) {
        successors = llama.successors(tokens);
      }
      try (SeamHarness h = open(written.folder(), 128)) {
        float[][] rows = h.plain(tokens);
        for (int i = 0; i < tokens.length; i++) {
          positions++;
          if (successors[i].clear()) {
            clear++;
            assertEquals(
                successors[i].argmax(), SeamHarness.argmax(rows[i]), "seed " + seed + " at " + i);
          }
        }
      }
    }
    assertTrue(clear >= 0.98 * positions, "clear=" + clear + " of " + positions);
  }
}
