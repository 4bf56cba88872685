package io.kvasir.runtime.engine;

import java.util.ArrayList;
import java.util.List;

/** Puts together what changes the logits of one choice, in the documented order. */
final class Adjusters {
  private Adjusters() {}

  static List<LogitAdjuster> of(GenerationRequest request, int choice) {
    SamplingParameters s = request.sampling();
    List<LogitAdjuster> all = new ArrayList<>();
    if (!s.logitBias().isEmpty()) {
      all.add(new LogitBias(s.logitBias()));
    }
    if (s.minTokens() > 0 && !s.stopIds().isEmpty()) {
      all.add(new MinTokensMask(s.minTokens(), s.stopIds()));
    }
    if (!s.penalties().isNone()) {
      all.add(new PenaltyAdjuster(s.penalties(), request.promptTokens().length, s.maxTokens()));
    }
    for (LogitAdjuster own : request.adjusters()) {
      all.add(choice == 0 ? own : own.forAnotherChoice());
    }
    return List.copyOf(all);
  }
}
