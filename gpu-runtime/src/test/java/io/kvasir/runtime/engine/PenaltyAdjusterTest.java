package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PenaltyAdjusterTest {
  private static final int VOCAB = 40;

  /** A branch of a tree whose first {@code settled} tokens are the sequence's own. */
  private record Branch(List<Integer> tokens, int promptLength, int settled) implements TokenPath {
    @Override
    public int length() {
      return tokens.size();
    }

    @Override
    public int token(int index) {
      return tokens.get(index);
    }

    @Override
    public int settledLength() {
      return settled;
    }
  }

  @Test
  void shouldFollowTheDefinitionOnEveryNodeOfATree() {
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      Penalties penalties =
          new Penalties(
              round % 3 == 0 ? 1 : 1.3f, round % 5 == 0 ? 0 : 0.7f, round % 2 == 0 ? 0 : 0.4f);
      SamplingParameters p = SamplingParameters.builder().penalties(penalties).build();
      List<Integer> path = new ArrayList<>();
      int prompt = 1 + random.nextInt(10);
      for (int i = 0; i < prompt; i++) {
        path.add(random.nextInt(VOCAB));
      }
      PenaltyAdjuster adjuster = new PenaltyAdjuster(penalties, prompt, 30);
      while (path.size() < prompt + 25) {
        for (int node = 0; node < 4; node++) {
          List<Integer> branch = new ArrayList<>(path);
          for (int depth = random.nextInt(4); depth > 0; depth--) {
            branch.add(random.nextInt(VOCAB));
          }
          float[] logits = new float[VOCAB];
          for (int i = 0; i < VOCAB; i++) {
            logits[i] = (float) random.nextGaussian();
          }
          logits[random.nextInt(VOCAB)] = Float.NEGATIVE_INFINITY;
          float[] expected =
              ReferenceSampler.changed(
                  logits, branch.subList(0, prompt), branch.subList(prompt, branch.size()), p);
          adjuster.adjust(logits, 0, VOCAB, new Branch(branch, prompt, path.size()));
          assertArrayEquals(expected, logits);
        }
        for (int accepted = 1 + random.nextInt(3); accepted > 0; accepted--) {
          path.add(random.nextInt(VOCAB));
        }
      }
    }
  }

  @Test
  void shouldTakeBackIdsInReverseWithoutLosingOthers() {
    TokenCounts counts = new TokenCounts(64);
    Random random = new Random(8);
    List<Integer> added = new ArrayList<>();
    for (int step = 0; step < 5_000; step++) {
      if (!added.isEmpty() && (added.size() == 64 || random.nextBoolean())) {
        counts.takeBack(added.removeLast());
      } else {
        int id = random.nextInt(1 << 17) & ~0x3f | random.nextInt(3);
        counts.add(id);
        added.add(id);
      }
      assertEquals(added.stream().distinct().count(), counts.size());
      for (int i = 0; i < counts.size(); i++) {
        int id = counts.token(i);
        assertEquals(added.stream().filter(a -> a == id).count(), counts.count(i));
      }
    }
  }
}
