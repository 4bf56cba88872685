package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.TokenLogprobs;
import java.util.List;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * One order that was taken, by a device of this node or of another one: the tokens of its choices
 * as one stream, and the means to end them. Safe from any thread. Whoever receives it runs {@link
 * #events()} once, or it is cancelled after the attach deadline.
 */
public interface Generation {
  /** Names model, weights and arithmetic of whatever computes it; a replay stays within it. */
  String fingerprint();

  /** Choices generated: best_of. */
  int choiceCount();

  /**
   * The tokens; may be run once. It buffers nothing beyond the token arrays that the order's
   * max_tokens bounds; cancelling it ends all choices.
   */
  default Source<GenerationEvent, NotUsed> events() {
    return events(1);
  }

  /**
   * The same in fewer events: the first token at once, later ones so many together, the last ones
   * with the end.
   *
   * @param interval tokens of a choice, at least 1
   */
  Source<GenerationEvent, NotUsed> events(int interval);

  /** Log-probabilities of a choice's tokens, for those that came; null if not asked for. */
  TokenLogprobs logprobs(int choice);

  /** Log-probabilities of the prompt, once any token or end came; null if not asked for. */
  TokenLogprobs promptLogprobs();

  /**
   * The n choices to keep, best first, once all have ended; all of them in order if best_of = n.
   */
  List<Integer> kept();

  /** Who answered and how; final once all choices have ended. */
  Serving serving();

  /** Ends all choices; their stream then finishes with CANCELLED. Does nothing after the end. */
  void cancel();

  /** Ends one choice; the others go on. */
  void cancel(int choice);
}
