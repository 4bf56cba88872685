package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.runtime.engine.FinishReason;
import java.util.List;

/** One choice of an answer: its tokens as text, and what is told about them. One thread. */
final class ChoiceAnswer {
  private final int index;
  private final Generation generation;
  private final int choice;
  private final AnswerText text;
  private final EchoedPrompt echo;
  private final boolean promptOnly;
  private HeldReports reports;
  private boolean begun;

  /**
   * @param index among all choices of the answer
   * @param choice of the generation
   * @param echo what the choice's text begins with; null = nothing
   * @param promptOnly whether the echo is all that is wanted
   */
  ChoiceAnswer(
      int index,
      Generation generation,
      int choice,
      AnswerText text,
      EchoedPrompt echo,
      boolean promptOnly) {
    this.index = index;
    this.generation = generation;
    this.choice = choice;
    this.text = text;
    this.echo = echo;
    this.promptOnly = promptOnly;
  }

  /** Takes tokens; tells what may be shown. Ends the choice in the engine at a stop string. */
  void take(int first, int[] ids, List<AnswerPart> out) {
    begin(out);
    if (promptOnly || text.stopped()) {
      return;
    }
    if (ids.length == 1 && reports == null) {
      tell(text.append(ids[0]), List.of(), out);
    } else {
      StringBuilder shown = new StringBuilder();
      for (int i = 0; i < ids.length && !text.stopped(); i++) {
        shown.append(text.append(ids[i]));
        if (reports != null) {
          reports.add(first + i, ids[i], text.lastPiece());
        }
      }
      tell(shown.toString(), told(), out);
    }
    if (text.stopped()) {
      generation.cancel(choice);
    }
  }

  private List<TokenReport> told() {
    if (reports == null) {
      return List.of();
    }
    return text.stopped()
        ? reports.finish(true, text.shownChars())
        : reports.release(text.shownChars());
  }

  /** The engine has ended the choice; tells what was held back. */
  void finish(List<AnswerPart> out) {
    begin(out);
    if (!promptOnly && !text.stopped()) {
      String rest = text.finish();
      tell(
          rest,
          reports == null ? List.of() : reports.finish(text.stopped(), text.shownChars()),
          out);
    }
  }

  private void begin(List<AnswerPart> out) {
    if (begun) {
      return;
    }
    begun = true;
    int offset = 0;
    if (echo != null) {
      out.add(new AnswerPart.Text(index, echo.text(), echo.reports(generation), 0));
      offset = echo.codePoints();
    }
    if (generation.logprobs(choice) != null) {
      reports = new HeldReports(generation.logprobs(choice), offset);
    }
  }

  private void tell(String delta, List<TokenReport> told, List<AnswerPart> out) {
    if (!delta.isEmpty() || !told.isEmpty()) {
      out.add(new AnswerPart.Text(index, delta, told, text.tokenCount()));
    }
  }

  /** What the client is told, given the engine's reason: a stop string may have been first. */
  FinishReason reason(FinishReason engine) {
    return promptOnly ? FinishReason.LENGTH : text.stopped() ? FinishReason.STOP : engine;
  }

  int index() {
    return index;
  }

  /** Tokens up to and including the one that met a stop. */
  int tokenCount() {
    return promptOnly ? 0 : text.tokenCount();
  }
}
