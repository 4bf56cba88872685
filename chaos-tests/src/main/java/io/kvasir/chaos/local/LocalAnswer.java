package io.kvasir.chaos.local;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationEvent;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * A whole answer as its client saw it.
 *
 * @param usage whose sources add up to the prompt
 */
public record LocalAnswer(List<Integer> tokens, FinishReason reason, Usage usage, Serving serving) {
  public LocalAnswer {
    tokens = List.copyOf(tokens);
    if (usage.sources().total() != usage.promptTokens()) {
      throw new IllegalStateException("the prompt's sources do not add up: " + usage);
    }
  }

  /** Where the prompt's tokens came from. */
  public PromptSources sources() {
    return usage.sources();
  }

  static CompletionStage<LocalAnswer> read(ActorSystem<?> system, Generation generation) {
    List<Integer> tokens = new ArrayList<>();
    GenerationEvent.Finished[] end = new GenerationEvent.Finished[1];
    return generation
        .events()
        .runWith(Sink.foreach(event -> take(event, tokens, end)), system)
        .thenApply(
            done -> new LocalAnswer(tokens, end[0].reason(), end[0].usage(), generation.serving()));
  }

  private static void take(
      GenerationEvent event, List<Integer> tokens, GenerationEvent.Finished[] end) {
    switch (event) {
      case GenerationEvent.Tokens more -> {
        if (more.first() != tokens.size()) {
          throw new IllegalStateException(
              "token %d follows token %d".formatted(more.first(), tokens.size() - 1));
        }
        for (int id : more.ids()) {
          tokens.add(id);
        }
      }
      case GenerationEvent.Finished last -> end[0] = last;
    }
  }
}
