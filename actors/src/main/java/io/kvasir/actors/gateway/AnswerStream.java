package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationEvent;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.observe.RequestTimer;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * The generations of one request, one a prompt, as one answer's parts. When a choice fails the
 * others are ended in the engine, what still arrives is dropped, and the answer ends with the
 * failure. Runs inside one stream.
 */
final class AnswerStream {
  /** An event, and the number of the prompt's first choice. */
  private record Numbered(int firstChoice, GenerationEvent event) {}

  private final List<Generation> generations;
  private final ChoiceAnswer[] choices;
  private final Usage[] usages;
  private final RequestTimer timer;
  private final boolean explained;
  private int running;
  private FinishReason firstReason;
  private AnswerPart.Failed failure;

  private AnswerStream(
      List<Generation> generations,
      List<ChoiceAnswer> choices,
      RequestTimer timer,
      boolean explained) {
    this.explained = explained;
    this.generations = generations;
    this.choices = choices.toArray(new ChoiceAnswer[0]);
    this.usages = new Usage[choices.size()];
    this.running = choices.size();
    this.timer = timer;
  }

  /**
   * @param choices of all generations, in their order
   * @param explained whether the end tells of the answer's way
   * @param interval tokens of a choice that make a part, but for the first and the last
   */
  static Source<AnswerPart, NotUsed> of(
      List<Generation> generations,
      List<ChoiceAnswer> choices,
      RequestTimer timer,
      boolean explained,
      int interval) {
    if (generations.size() == 1) {
      return generations
          .getFirst()
          .events(interval)
          .statefulMapConcat(
              () -> {
                AnswerStream answer = new AnswerStream(generations, choices, timer, explained);
                return event -> answer.onEvent(0, event);
              });
    }
    List<Source<Numbered, NotUsed>> sources = new ArrayList<>(generations.size());
    int first = 0;
    for (Generation generation : generations) {
      int number = first;
      sources.add(generation.events(interval).map(event -> new Numbered(number, event)));
      first += generation.choiceCount();
    }
    return sources
        .getFirst()
        .mergeAll(sources.subList(1, sources.size()), false)
        .statefulMapConcat(
            () -> {
              AnswerStream answer = new AnswerStream(generations, choices, timer, explained);
              return numbered -> answer.onEvent(numbered.firstChoice, numbered.event);
            });
  }

  private Iterable<AnswerPart> onEvent(int firstChoice, GenerationEvent event) {
    int index = firstChoice + event.choice();
    return switch (event) {
      case GenerationEvent.Tokens tokens -> onTokens(choices[index], tokens);
      case GenerationEvent.Finished finished -> onFinished(choices[index], finished);
    };
  }

  private List<AnswerPart> onTokens(ChoiceAnswer choice, GenerationEvent.Tokens tokens) {
    if (failure != null) {
      return List.of();
    }
    timer.tokens(tokens.ids().length);
    List<AnswerPart> parts = new ArrayList<>(2);
    choice.take(tokens.first(), tokens.ids(), parts);
    return parts;
  }

  private List<AnswerPart> onFinished(ChoiceAnswer choice, GenerationEvent.Finished finished) {
    List<AnswerPart> parts = new ArrayList<>(3);
    usages[choice.index()] = finished.usage();
    FinishReason reason = choice.reason(finished.reason());
    firstReason = firstReason == null ? reason : firstReason;
    boolean well = reason == FinishReason.STOP || reason == FinishReason.LENGTH;
    if (failure == null && well) {
      choice.finish(parts);
      // The text's own end may have completed a stop string.
      parts.add(new AnswerPart.End(choice.index(), choice.reason(reason)));
    } else if (failure == null) {
      failure = AnswerPart.Failed.of(reason, choice.tokenCount(), finished.failure());
      firstReason = reason;
      generations.forEach(Generation::cancel);
    }
    if (--running == 0) {
      parts.add(close());
    }
    return parts;
  }

  private AnswerPart close() {
    int completionTokens = 0;
    for (ChoiceAnswer choice : choices) {
      completionTokens += choice.tokenCount();
    }
    Usage usage = RequestUsage.of(generations, usages);
    Serving serving = RequestServing.of(generations);
    timer.finished(firstReason, usage, serving);
    return failure != null
        ? failure
        : new AnswerPart.Done(completionTokens, usage, serving, explained);
  }
}
