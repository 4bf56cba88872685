package io.kvasir.runtime.train;

import io.kvasir.runtime.train.factbook.FactbookVocabulary;
import java.nio.file.Path;

/**
 * What to train and for how long.
 *
 * @param directory folder for checkpoint and log; created when absent
 * @param seed decides weights, documents and questions
 * @param minutes time limit in minutes; 0 for none
 * @param tokenBudget training tokens after which training ends, positive
 * @param learningRate highest learning rate
 * @param examCount held-out questions asked at the end, at least 50
 * @param shape the model's sizes; the vocabulary must be the factbook's
 */
public record FactbookTrainingOptions(
    Path directory,
    long seed,
    int minutes,
    long tokenBudget,
    double learningRate,
    int examCount,
    LlamaShape shape) {
  /** Training tokens of the shipped model's schedule. */
  public static final long DEFAULT_TOKEN_BUDGET = 24_000_000;

  private static final double LEARNING_RATE = 2e-3;
  private static final int EXAM_COUNT = 1000;

  /** The shipped model's sizes: 6 layers, 4 query and 2 KV heads of 64. */
  public static LlamaShape defaultShape() {
    return new LlamaShape(FactbookVocabulary.get().size(), 96, 6, 4, 2, 64, 256, 500, 1e-5, 1024);
  }

  /** Checks the limits. */
  public FactbookTrainingOptions {
    if (examCount < 50) {
      throw new IllegalArgumentException(
          "examCount=" + examCount + " says too little, ask at least 50 questions");
    }
    if (minutes < 0 || tokenBudget < 1) {
      throw new IllegalArgumentException(
          "minutes="
              + minutes
              + " and tokenBudget="
              + tokenBudget
              + " end before they begin, use minutes >= 0 and tokenBudget >= 1");
    }
  }

  /** The shipped recipe with a folder, a seed and a time limit (0 for none). */
  public static FactbookTrainingOptions defaults(Path directory, long seed, int minutes) {
    return new FactbookTrainingOptions(
        directory, seed, minutes, DEFAULT_TOKEN_BUDGET, LEARNING_RATE, EXAM_COUNT, defaultShape());
  }

  /**
   * Reads {@code --out DIR [--minutes N] [--seed S] [--tokens N]}.
   *
   * @throws IllegalArgumentException when the folder is missing or an option is unknown
   */
  static FactbookTrainingOptions parse(String[] arguments) {
    Path directory = null;
    long seed = 2;
    int minutes = 0;
    long tokens = DEFAULT_TOKEN_BUDGET;
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      String value = arguments[i + 1];
      switch (arguments[i]) {
        case "--out" -> directory = Path.of(value);
        case "--seed" -> seed = Long.parseLong(value);
        case "--minutes" -> minutes = Integer.parseInt(value);
        case "--tokens" -> tokens = Long.parseLong(value);
        default ->
            throw new IllegalArgumentException(
                "unknown option " + arguments[i] + ", use --out, --seed, --minutes or --tokens");
      }
    }
    if (directory == null || arguments.length % 2 != 0) {
      throw new IllegalArgumentException(
          "no folder to write to, use --out DIR [--minutes N] [--seed S] [--tokens N]");
    }
    return new FactbookTrainingOptions(
        directory, seed, minutes, tokens, LEARNING_RATE, EXAM_COUNT, defaultShape());
  }
}
