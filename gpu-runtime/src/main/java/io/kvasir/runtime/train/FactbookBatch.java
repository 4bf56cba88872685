package io.kvasir.runtime.train;

import io.kvasir.runtime.train.factbook.Fact;
import io.kvasir.runtime.train.factbook.Factbook;
import io.kvasir.runtime.train.factbook.FactbookDocument;
import io.kvasir.runtime.train.factbook.FactbookVocabulary;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;

/**
 * Rows of training text: token ids, the ids that follow them and how much each counts in the loss.
 *
 * @param rowCount rows
 * @param rowTokens tokens of a row
 * @param inputs token ids [row × token]
 * @param targets next token ids [row × token]
 * @param weights weight of each target [row × token]
 * @param answerIndices places in [row × token] whose accuracy is reported: answers, or the
 *     predictable part when all rows are repeated sequences
 */
record FactbookBatch(
    int rowCount,
    int rowTokens,
    long[] inputs,
    long[] targets,
    float[] weights,
    long[] answerIndices) {
  private static final float ANSWER = 1;
  private static final float END = 0.2f;
  private static final float REPEATED = 0.25f;
  // Facts are random, so their loss is mostly noise.
  private static final float TEXT = 0.03f;

  /** Writes batches from a seed; owned by one thread. */
  static final class Writer {
    private final Factbook factbook;
    private final Random random;
    private long rowsWritten;

    Writer(long seed) {
      factbook = new Factbook(seed, Factbook.Names.TRAINING);
      random = new Random(seed);
    }

    FactbookBatch next(FactbookStage stage, int rowCount) {
      int length = stage.rowTokens();
      long[] inputs = new long[rowCount * length];
      long[] targets = new long[rowCount * length];
      float[] weights = new float[rowCount * length];
      LongStream.Builder answers = LongStream.builder();
      for (int row = 0; row < rowCount; row++) {
        int[] tokens = new int[length + 1];
        float[] rowWeights = new float[length];
        boolean repeated = rowsWritten++ % stage.repeatedShare() == 0;
        if (repeated) {
          repeatSequence(tokens, rowWeights);
        } else {
          askQuestions(stage, tokens, rowWeights);
        }
        float reported = stage.repeatedShare() == 1 ? REPEATED : ANSWER;
        for (int i = 0; i < length; i++) {
          inputs[row * length + i] = tokens[i];
          targets[row * length + i] = tokens[i + 1];
          weights[row * length + i] = rowWeights[i];
          if (rowWeights[i] == reported) {
            answers.add((long) row * length + i);
          }
        }
      }
      return new FactbookBatch(
          rowCount, length, inputs, targets, weights, answers.build().toArray());
    }

    /** The period varies: with a fixed one the position alone would tell the next token. */
    private void repeatSequence(int[] tokens, float[] weights) {
      int period = tokens.length / 8 + random.nextInt(tokens.length / 2 - tokens.length / 8);
      int plain = FactbookVocabulary.IT + 1;
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] =
            i < period
                ? plain + random.nextInt(FactbookVocabulary.get().size() - plain)
                : tokens[i - period];
      }
      Arrays.fill(weights, period - 1, weights.length, REPEATED);
    }

    private void askQuestions(FactbookStage stage, int[] tokens, float[] weights) {
      int spread = stage.documentTokenLimit() - stage.documentTokenMinimum() + 1;
      FactbookDocument document =
          factbook.document(
              Integer.MAX_VALUE,
              stage.documentTokenMinimum() + random.nextInt(spread),
              stage.factsPerShipLimit());
      int[] text = document.tokens();
      Arrays.fill(weights, TEXT);
      tokens[0] = FactbookVocabulary.BOS;
      System.arraycopy(text, 0, tokens, 1, text.length);
      int at = 1 + text.length;
      while (at < tokens.length) {
        Fact fact = document.facts().get(random.nextInt(document.facts().size()));
        for (int token : fact.questionTokens()) {
          at = put(tokens, at, token, weights, TEXT);
        }
        at = put(tokens, at, fact.answerToken(), weights, ANSWER);
        at = put(tokens, at, FactbookVocabulary.EOS, weights, END);
      }
    }

    private static int put(int[] tokens, int at, int token, float[] weights, float weight) {
      if (at < tokens.length) {
        tokens[at] = token;
        weights[at - 1] = weight;
      }
      return at + 1;
    }
  }
}
