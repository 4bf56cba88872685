package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationEvent;
import io.kvasir.actors.observe.RequestTimer;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * A generation's events as text. When a stop string is met it cancels the engine's work, drops what
 * still arrives, and ends with the engine's accounting. Runs inside one stream.
 */
final class AnswerStream {
  private final Generation generation;
  private final AnswerText text;
  private final RequestTimer timer;

  private AnswerStream(Generation generation, AnswerText text, RequestTimer timer) {
    this.generation = generation;
    this.text = text;
    this.timer = timer;
  }

  static Source<AnswerPart, NotUsed> of(
      Generation generation,
      SamplingParameters sampling,
      Supplier<TextDecoder> decoder,
      RequestTimer timer) {
    return generation
        .events()
        .statefulMapConcat(
            () -> {
              AnswerText text = new AnswerText(decoder.get(), sampling);
              return new AnswerStream(generation, text, timer)::onEvent;
            });
  }

  private Iterable<AnswerPart> onEvent(GenerationEvent event) {
    return switch (event) {
      case GenerationEvent.Tokens tokens -> onTokens(tokens.ids());
      case GenerationEvent.Finished finished -> onFinished(finished);
    };
  }

  private List<AnswerPart> onTokens(int[] ids) {
    if (text.stopped()) {
      return List.of();
    }
    timer.tokens(ids.length);
    StringBuilder shown = new StringBuilder();
    for (int id : ids) {
      shown.append(text.append(id));
      if (text.stopped()) {
        generation.cancel();
        break;
      }
    }
    return shown.isEmpty() ? List.of() : List.of(new AnswerPart.Text(shown.toString()));
  }

  private List<AnswerPart> onFinished(GenerationEvent.Finished finished) {
    List<AnswerPart> parts = new ArrayList<>(2);
    String rest = text.finish();
    if (!rest.isEmpty()) {
      parts.add(new AnswerPart.Text(rest));
    }
    FinishReason reason = text.stopped() ? FinishReason.STOP : finished.reason();
    parts.add(new AnswerPart.End(reason, text.tokenCount(), finished.usage(), finished.failure()));
    timer.finished(reason, finished.usage());
    return parts;
  }
}
