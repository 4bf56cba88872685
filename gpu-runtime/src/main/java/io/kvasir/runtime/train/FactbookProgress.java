package io.kvasir.runtime.train;

import java.util.Locale;

/**
 * Where training stands.
 *
 * @param stage stage of the curriculum, from 0
 * @param step optimiser steps taken
 * @param tokenCount training tokens seen
 * @param seconds seconds since the start
 * @param loss weighted loss of the last step
 * @param accuracy running share of right answers on training documents since the stage began
 * @param tokensPerSecond training speed since the last report
 * @param exam held-out questions answered with the weights as written, or null when none were asked
 */
public record FactbookProgress(
    int stage,
    long step,
    long tokenCount,
    double seconds,
    double loss,
    double accuracy,
    double tokensPerSecond,
    Exam exam) {

  /**
   * Greedy answers to held-out questions, weights rounded to bf16.
   *
   * @param right right answers
   * @param count questions
   * @param crossRight right answers among questions that need an "it" across chunks
   * @param crossCount such questions
   * @param lowMargin logit margin that 98 % of the questions exceed
   */
  public record Exam(int right, int count, int crossRight, int crossCount, double lowMargin) {}

  @Override
  public String toString() {
    String line =
        String.format(
            Locale.ROOT,
            "%6.0f s  stage %d  step %6d  %6.2f Mtok  loss %.4f  accuracy %.4f  %6.0f tok/s",
            seconds,
            stage,
            step,
            tokenCount / 1e6,
            loss,
            accuracy,
            tokensPerSecond);
    return exam == null
        ? line
        : line
            + String.format(
                Locale.ROOT,
                "  held-out %d/%d  cross %d/%d  margin(2%%) %.2f",
                exam.right(),
                exam.count(),
                exam.crossRight(),
                exam.crossCount(),
                exam.lowMargin());
  }
}
