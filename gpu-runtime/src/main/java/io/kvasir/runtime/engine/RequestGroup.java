package io.kvasir.runtime.engine;

import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * The choices of one request. Until the prompt is computed only choice 0 (the leader) has a cache:
 * the others wait beside it, hold a place among the running ones as soon as it does, and fork its
 * cache when the prompt's last row has given logits, from which the first token of each is drawn.
 * From then on every choice is scheduled, preempted and ended by itself. Engine thread.
 */
final class RequestGroup {
  private static final int[] NOTHING = {};

  final GenerationRequest request;
  final ActiveRequest[] choices;
  boolean forked;

  /** Choices that have not ended. */
  int live;

  RequestGroup(
      GenerationRequest request,
      long submittedNs,
      long deadlineNs,
      long seed,
      Function<int[], IntFunction<String>> textDecoder) {
    this.request = request;
    SamplingParameters s = request.sampling();
    int prompt = request.promptTokens().length;
    int[] before = s.continuesPrompt() ? request.promptTokens() : NOTHING;
    this.choices = new ActiveRequest[s.bestOf()];
    this.live = choices.length;
    for (int i = 0; i < choices.length; i++) {
      // The leader's ticket asks for all choices; the others use theirs only to come back.
      int asked = i == 0 ? s.bestOf() * s.maxTokens() : s.maxTokens();
      Ticket ticket =
          new Ticket(request.id(), i, request.tenant(), submittedNs, deadlineNs, prompt, asked);
      StopStrings stops =
          s.stopStrings().isEmpty()
              ? null
              : new StopStrings(s.stopStrings(), s.minTokens(), textDecoder.apply(before));
      choices[i] = new ActiveRequest(this, i, ticket, Choices.seed(seed, i), stops);
    }
  }

  ActiveRequest leader() {
    return choices[0];
  }

  /** Choices that wait for the leader to compute the prompt. */
  int pending() {
    return forked ? 0 : live - (leader().finish == null ? 1 : 0);
  }

  /** Places among the running requests that admitting {@code r} takes. */
  int placesFor(ActiveRequest r) {
    return r == leader() ? 1 + pending() : 1;
  }

  /** Whether a cancelled choice must go on because the others wait for its prompt. */
  boolean needsLeader(ActiveRequest r) {
    if (forked || r != leader()) {
      return false;
    }
    for (int i = 1; i < choices.length; i++) {
      if (choices[i].finish == null && !choices[i].cancelled) {
        return true;
      }
    }
    return false;
  }
}
