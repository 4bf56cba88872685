package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The engine draws what {@link ReferenceSampler} draws, token for token. */
final class ReferenceSamplerTest {
  private static final int VOCAB = 131;

  /** A path whose tokens are all settled. */
  private record Path(List<Integer> prompt, List<Integer> answer) implements TokenPath {
    @Override
    public int length() {
      return prompt.size() + answer.size();
    }

    @Override
    public int promptLength() {
      return prompt.size();
    }

    @Override
    public int token(int index) {
      return index < prompt.size() ? prompt.get(index) : answer.get(index - prompt.size());
    }
  }

  @Test
  void shouldDrawAsTheReferenceDoesFromAnyRow() {
    Random random = new Random(20261123);
    Sampler sampler = new Sampler(VOCAB);
    for (int trial = 0; trial < 8_000; trial++) {
      float[] logits = row(random, trial % 8);
      List<Integer> prompt = ids(random, 1 + random.nextInt(20));
      List<Integer> answer = ids(random, random.nextInt(20));
      SamplingParameters p =
          ReferenceSampler.random(random, VOCAB)
              .maxTokens(40)
              .minTokens(random.nextInt(3) == 0 ? 15 : 0)
              .stopIds(List.of(3, 77))
              .build();
      long seed = random.nextLong();
      int expected = ReferenceSampler.next(logits, prompt, answer, p, seed);

      GenerationRequest request =
          new GenerationRequest(
              1,
              "t",
              prompt.stream().mapToInt(i -> i).toArray(),
              p,
              0,
              List.of(),
              new TokenStream(40, 0, () -> {}));
      Path path = new Path(prompt, answer);
      float[] shifted = new float[VOCAB + 7];
      System.arraycopy(logits, 0, shifted, 7, VOCAB);
      for (LogitAdjuster adjuster : Adjusters.of(request, 0)) {
        adjuster.adjust(shifted, 7, VOCAB, path);
      }
      int drawn = sampler.sample(shifted, 7, VOCAB, p, seed, path.length());
      assertEquals(expected, drawn, "trial " + trial + " of kind " + trial % 8 + ": " + p);
    }
  }

  private static float[] row(Random random, int kind) {
    float[] x = new float[VOCAB];
    for (int i = 0; i < VOCAB; i++) {
      float g = (float) random.nextGaussian();
      x[i] =
          switch (kind) {
            case 0 -> g * 3;
            case 1 -> Math.round(g * 2); // ties everywhere
            case 2 -> 1.5f; // all equal
            case 3 -> g * 1e30f; // far apart
            case 4 -> g * Float.MIN_NORMAL; // equal but for the last bits
            case 5 -> random.nextInt(4) == 0 ? g : Float.NEGATIVE_INFINITY;
            case 6 -> Float.NEGATIVE_INFINITY; // all masked but one
            default -> g * 40;
          };
    }
    if (kind == 5 || kind == 6) {
      x[random.nextInt(VOCAB)] = (float) random.nextGaussian();
    }
    return x;
  }

  private static List<Integer> ids(Random random, int count) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(random.nextInt(VOCAB));
    }
    return ids;
  }

  @Test
  void shouldGenerateWhatTheReferenceDrawsFromTheModelsRows() {
    Random random = new Random(5);
    int rounds = 60;
    int compared = 0;
    try (EngineHarness h = EngineHarness.open(8 << 20, 64)) {
      for (int round = 0; round < rounds; round++) {
        int[] prompt = SeamHarness.tokens(1 + random.nextInt(40), round);
        long seed = random.nextLong();
        SamplingParameters p =
            ReferenceSampler.random(random, SeamHarness.VOCAB)
                .seed(seed)
                .maxTokens(20)
                .minTokens(random.nextInt(10))
                .stopIds(List.of(2, 40, 41))
                .build();
        int[] answer = h.generate(prompt, p);
        float[][] rows = rows(h, prompt, answer);
        List<Integer> promptIds = IntStream.of(prompt).boxed().toList();
        List<Integer> sofar = new ArrayList<>();
        for (int i = 0; i < answer.length; i++) {
          int expected = ReferenceSampler.next(rows[i], promptIds, sofar, p, seed);
          assertEquals(expected, answer[i], "token " + i + " of " + p);
          sofar.add(answer[i]);
          compared++;
        }
      }
    }
    assertEquals(true, compared > 10 * rounds, "tokens compared: " + compared);
  }

  /** The model's own logits of every row that an answer token was drawn from. */
  static float[][] rows(EngineHarness h, int[] prompt, int[] answer) {
    int[] all = Arrays.copyOf(prompt, prompt.length + answer.length);
    System.arraycopy(answer, 0, all, prompt.length, answer.length);
    List<Integer> wanted = IntStream.range(prompt.length - 1, all.length).boxed().toList();
    TokenStream s = h.submit("rows", all, EngineHarness.greedy(1), 0, wanted);
    h.runAll();
    return s.promptLogits();
  }
}
