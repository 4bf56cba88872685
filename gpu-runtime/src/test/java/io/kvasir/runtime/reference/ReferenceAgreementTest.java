package io.kvasir.runtime.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.checkpoint.DType;
import io.kvasir.runtime.checkpoint.TinyCheckpoints;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The references against each other and against what must hold for any decoder. */
final class ReferenceAgreementTest {
  @TempDir Path dir;

  @Test
  void shouldAgreeBetweenLibtorchAndLlamaCpp() throws IOException {
    PlainLlama model = PlainLlama.write(dir, 11);
    int[] tokens = new Random(11).ints(64, 0, PlainLlama.VOCABULARY).toArray();
    int clear = 0;
    try (TorchReference torch = new TorchReference(model.folder());
        LlamaCppReference llama = new LlamaCppReference(model.gguf(), 128, 1e-3, dir)) {
      double[][] logits = torch.logits(tokens);
      LlamaCppReference.Successor[] successors = llama.successors(tokens);
      for (int i = 0; i < tokens.length; i++) {
        if (successors[i].clear()) {
          assertEquals(argmax(logits[i]), successors[i].argmax(), "position " + i);
          clear++;
        }
      }
    }
    assertTrue(clear >= 62, "clear=" + clear + " of 64");
  }

  @Test
  void shouldNotLetLaterTokensChangeEarlierRows() throws IOException {
    for (String family : TinyCheckpoints.FAMILIES) {
      Path folder = TinyCheckpoints.write(dir.resolve(family), family, 3);
      int[] tokens = new Random(3).ints(40, 0, 320).toArray();
      try (TorchReference torch = new TorchReference(folder)) {
        double[][] all = torch.logits(tokens);
        double[][] head = torch.logits(Arrays.copyOf(tokens, 25));
        assertArrayEquals(head[24], all[24], 1e-9, family);
      }
    }
  }

  @Test
  void shouldForgetWhatLeftTheSlidingWindowOfEveryLayer() throws IOException {
    Path folder = TinyCheckpoints.write(dir, "mistral", 5);
    int[] tokens = new Random(5).ints(60, 0, 320).toArray();
    int[] changed = tokens.clone();
    changed[0] = (tokens[0] + 1) % 320;
    try (TorchReference torch = new TorchReference(folder)) {
      double[][] before = torch.logits(tokens);
      double[][] after = torch.logits(changed);
      // Three layers of window 12 reach back 3 * 11 tokens.
      assertTrue(before[33][0] != after[33][0]);
      assertArrayEquals(before[34], after[34], 1e-12);
    }
  }

  @Test
  void shouldGivePublishedLlama3Frequencies() throws IOException {
    String configJson =
        TinyCheckpoints.configJson("llama")
            .replace("\"hidden_size\": 64", "\"hidden_size\": 128, \"head_dim\": 128")
            .replace(
                "\"original_max_position_embeddings\": 64",
                "\"original_max_position_embeddings\": 8192");
    Path folder = TinyCheckpoints.write(dir, configJson, 1, DType.F32, 0);
    ReferenceRope rope = ReferenceRope.of(new ReferenceCheckpoint(folder), 128, 10);
    assertEquals(0.00216657, rope.frequencies()[29], 1e-8);
    assertEquals(0.000524846, rope.frequencies()[32], 1e-9);
    assertEquals(0.125, rope.frequencies()[40] / Math.pow(500000, -80 / 128.0), 1e-12);
  }

  private static int argmax(double[] row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      if (row[i] > row[best]) {
        best = i;
      }
    }
    return best;
  }
}
