package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.SafetensorsFile;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a hook saw can be read back from its files (seam proof k). */
class HiddenCaptureTest {
  private static final int LAYER = 2;
  private static final int[] TOKENS = SeamHarness.tokens(11, 70);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldReproduceHiddenStatesFromItsFiles(DeviceCase device, @TempDir Path folder) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache captured = h.sequence();
        SequenceCache other = h.sequence();
        SequenceCache again = h.sequence()) {
      float[][] plain = h.plain(TOKENS);
      int width = h.model.hiddenSize();
      Set<HookPoint> points = Set.of(HookPoint.BEFORE_LAYER, HookPoint.VALUE);
      try (HiddenCapture capture = new HiddenCapture(folder, points, l -> l == LAYER, 3000)) {
        for (int from = 0; from < TOKENS.length; from += 4) {
          int to = Math.min(TOKENS.length, from + 4);
          WorkItem item = h.chunk(captured, Arrays.copyOfRange(TOKENS, from, to)).hook(capture);
          WorkItem neighbour = h.chunk(other, 5, 6).hook(capture);
          assertBits("hooked", Arrays.copyOfRange(plain, from, to), h.logits(item, neighbour));
          captured.commit();
          other.commit();
        }
        capture.flush();
        assertTrue(capture.partCount() > 1, "parts " + capture.partCount());
        float[] hidden =
            read(folder, capture.partCount(), capture.number(captured.ownerId()), width);
        // The first layers were run for the file; the rest goes on from it.
        early(h, again);
        WorkItem late = h.item(again).rows(TOKENS.length, 0, 4).layers(LAYER, 4);
        assertBits("from the file", plain, h.logits(late.embeddings(hidden)));
      }
    }
  }

  @Test
  void shouldRefusePointsWithoutValues(@TempDir Path folder) {
    Set<HookPoint> points = Set.of(HookPoint.KV_WRITTEN);
    assertThrows(
        IllegalArgumentException.class, () -> new HiddenCapture(folder, points, l -> true));
  }

  private static void early(SeamHarness h, SequenceCache sequence) {
    h.run(h.chunk(sequence, TOKENS).layers(0, LAYER));
  }

  /** Rows of one sequence by logical index. */
  private static float[] read(Path folder, int parts, int sequence, int width) {
    float[] hidden = new float[TOKENS.length * width];
    int found = 0;
    for (int part = 0; part < parts; part++) {
      try (Arena arena = Arena.ofConfined()) {
        Path path = folder.resolve("part-%05d".formatted(part)).resolve("model.safetensors");
        SafetensorsFile file = SafetensorsFile.map(path, arena);
        assertTrue(file.tensorNames().contains("VALUE." + LAYER + ".rows"));
        float[] values = file.tensor("BEFORE_LAYER." + LAYER).toFloats();
        float[] rows = file.tensor("BEFORE_LAYER." + LAYER + ".rows").toFloats();
        for (int r = 0; r < rows.length / 2; r++) {
          if (rows[2 * r] == sequence) {
            int index = (int) rows[2 * r + 1];
            System.arraycopy(values, r * width, hidden, index * width, width);
            found++;
          }
        }
      }
    }
    assertEquals(TOKENS.length, found);
    return hidden;
  }
}
