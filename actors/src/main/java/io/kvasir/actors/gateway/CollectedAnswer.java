package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.OpenAiDocuments.PromptLogprob;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.runtime.engine.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The parts of one answer put together. One stream. */
final class CollectedAnswer {
  private static final class Choice {
    private final StringBuilder text = new StringBuilder();
    private final List<TokenReport> reports = new ArrayList<>();
    private FinishReason reason;
  }

  private final List<Choice> choices = new ArrayList<>();
  private AnswerPart.Done done;

  /**
   * @param choiceCount of all prompts together
   */
  CollectedAnswer(int choiceCount) {
    for (int i = 0; i < choiceCount; i++) {
      choices.add(new Choice());
    }
  }

  /**
   * Takes the next part.
   *
   * @throws ApiException when it says that the answer failed
   */
  CollectedAnswer plus(AnswerPart part) {
    switch (part) {
      case AnswerPart.Text text -> {
        choices.get(text.choice()).text.append(text.delta());
        choices.get(text.choice()).reports.addAll(text.reports());
      }
      case AnswerPart.End end -> choices.get(end.choice()).reason = end.reason();
      case AnswerPart.Done whole -> done = whole;
      case AnswerPart.Failed failed -> throw failed.error();
    }
    return this;
  }

  /**
   * The whole answer: of each prompt the choices to keep, best first, numbered through.
   *
   * @param promptLogprobs of each generation; null = not asked for
   */
  Object document(
      AnswerShape shape,
      List<Generation> generations,
      List<List<Map<String, PromptLogprob>>> promptLogprobs) {
    List<AnswerShape.Choice> kept = new ArrayList<>();
    int first = 0;
    for (int g = 0; g < generations.size(); g++) {
      for (int choice : generations.get(g).kept()) {
        Choice chosen = choices.get(first + choice);
        kept.add(
            new AnswerShape.Choice(
                kept.size(),
                chosen.text.toString(),
                chosen.reports,
                chosen.reason,
                promptLogprobs == null ? null : promptLogprobs.get(g)));
      }
      first += generations.get(g).choiceCount();
    }
    return shape.whole(kept, OpenAiDocuments.usage(done), done.explanation());
  }
}
