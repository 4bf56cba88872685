package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.AsyncScalarDevice;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.WeightFormat;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Law 1: a row's logits do not depend on who shares the batch, how the prompt is cut, how long
 * pages are, or how many threads run.
 */
class BatchInvarianceTest {
  /** Longer than the longest page, so that every page length has a border inside. */
  private static final int[] TOKENS = SeamHarness.tokens(70, 80);

  private static final int[] CHUNKS = {70, 7, 3, 1};
  private static final int[] SLOTS = {64, 32, 16};
  private static final int[] THREADS = {1, 2, 3, 7};

  private static final ModelConfig FULL = SeamHarness.config();
  private static final ModelConfig WINDOW =
      SeamHarness.config("mistral", 4, ",\"sliding_window\":21");
  private static final ModelConfig TWO_GROUPS =
      SeamHarness.config(
          "qwen2", 4, ",\"use_sliding_window\":true,\"sliding_window\":21,\"max_window_layers\":2");

  /** A model, its weight format and its pages. */
  private record Kind(String name, ModelConfig config, WeightFormat weights, PageEncoding pages) {
    @Override
    public String toString() {
      return name + " " + weights + " weights, " + pages + " pages";
    }

    LoadOptions options(int slots) {
      return LoadOptions.defaults().weights(weights).pages(pages).slots(slots);
    }
  }

  static Stream<Kind> kinds() {
    Stream<Kind> full =
        Stream.of(WeightFormat.BF16, WeightFormat.INT8, WeightFormat.INT4)
            .flatMap(
                w ->
                    Stream.of(PageEncoding.BF16, PageEncoding.F32)
                        .map(p -> new Kind("full attention", FULL, w, p)));
    Stream<Kind> windows =
        Stream.of(
            new Kind("sliding window", WINDOW, WeightFormat.BF16, PageEncoding.BF16),
            new Kind("two layer groups", TWO_GROUPS, WeightFormat.INT8, PageEncoding.BF16));
    return Stream.concat(full, windows);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void shouldNotDependOnBatchChunksPagesOrThreads(Kind kind) {
    float[][] expected = plainly(kind);
    for (int t = 0; t < THREADS.length; t++) {
      int threads = THREADS[t];
      int slots = SLOTS[t % SLOTS.length];
      try (SeamHarness h =
          SeamHarness.open(() -> Devices.cpu(threads), kind.config(), kind.options(slots))) {
        int alone = CHUNKS[t];
        int mixed = CHUNKS[(t + 2) % CHUNKS.length];
        String where = threads + " threads, " + slots + " slots, chunks of ";
        assertBits(where + alone, expected, inChunks(h, alone, 0));
        assertBits(where + mixed + " among others", expected, inChunks(h, mixed, 3));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void shouldGiveTheBitsOfTheScalarTwins(Kind kind) {
    float[][] expected = plainly(kind);
    try (SeamHarness h =
        SeamHarness.open(AsyncScalarDevice::new, kind.config(), kind.options(16))) {
      assertBits(expected, h.plain(TOKENS));
    }
  }

  private static float[][] plainly(Kind kind) {
    try (SeamHarness h = SeamHarness.open(() -> Devices.cpu(1), kind.config(), kind.options(32))) {
      return h.plain(TOKENS);
    }
  }

  /** The prompt in chunks, among other sequences whose chunks are of other lengths. */
  private static float[][] inChunks(SeamHarness h, int chunk, int others) {
    float[][] out = new float[TOKENS.length][];
    SequenceCache sequence = h.sequence();
    SequenceCache[] neighbours = new SequenceCache[others];
    Arrays.setAll(neighbours, i -> h.sequence());
    int step = 0;
    for (int from = 0; from < TOKENS.length; from += chunk, step++) {
      int to = Math.min(TOKENS.length, from + chunk);
      WorkItem[] items = new WorkItem[others];
      for (int i = 0; i < others; i++) {
        int rows = 1 + (step * (i + 2) + i) % 5;
        items[i] = h.chunk(neighbours[i], SeamHarness.tokens(rows, step));
        items[i].logits(0);
      }
      WorkItem item = h.chunk(sequence, Arrays.copyOfRange(TOKENS, from, to));
      System.arraycopy(h.logits(item, items), 0, out, from, to - from);
      for (SequenceCache neighbour : neighbours) {
        neighbour.commit();
      }
      sequence.commit();
      dropBehindWindows(h, sequence);
    }
    sequence.close();
    for (SequenceCache neighbour : neighbours) {
      neighbour.close();
    }
    return out;
  }

  private static void dropBehindWindows(SeamHarness h, SequenceCache sequence) {
    for (int g = 0; g < h.model.cacheLayout().groupCount(); g++) {
      int window = h.model.cacheLayout().group(g).window();
      if (window > 0) {
        sequence.dropBefore(g, sequence.committed(g) - window + 1);
      }
    }
  }
}
