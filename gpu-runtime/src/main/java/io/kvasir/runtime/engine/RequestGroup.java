package io.kvasir.runtime.engine;

import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * The choices of one request. Until the prompt is computed only choice 0 (the leader) has a cache:
 * the others wait beside it, hold a place among the running ones as soon as it does, and fork its
 * cache when the prompt's last row has given logits, from which the first token of each is drawn; a
 * choice that was resumed first computes the tokens that it was given. From then on every choice is
 * scheduled, preempted and ended by itself. Of a resumed request the first choice that goes on is
 * the leader. A single choice shares with nobody and counts as forked from the start. Engine
 * thread.
 */
final class RequestGroup {
  private static final int[] NOTHING = {};

  final GenerationRequest request;
  final ActiveRequest[] choices;

  /** Why a choice is not run at all, or null. */
  final FinishReason[] over;

  private final int leader;
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
    this.over = new FinishReason[choices.length];
    this.forked = choices.length == 1;
    StopStrings[] stops = new StopStrings[choices.length];
    int first = -1;
    for (int i = 0; i < choices.length; i++) {
      if (!s.stopStrings().isEmpty()) {
        stops[i] = new StopStrings(s.stopStrings(), s.minTokens(), textDecoder.apply(before));
      }
      over[i] = overAtStart(request, i, stops[i]);
      first = first < 0 && over[i] == null ? i : first;
    }
    this.leader = Math.max(0, first);
    for (int i = 0; i < choices.length; i++) {
      // The leader's ticket asks for all choices; the others use theirs only to come back.
      int asked = i == leader ? s.bestOf() * s.maxTokens() : s.maxTokens();
      Ticket ticket =
          new Ticket(request.id(), i, request.tenant(), submittedNs, deadlineNs, prompt, asked);
      choices[i] = new ActiveRequest(this, i, ticket, Choices.seed(seed, i), stops[i]);
    }
  }

  /**
   * Why a choice needs no more tokens before any is drawn here, or null: it ended elsewhere, or
   * what was given ends it and the engine that drew it did not come to say so. Its stop strings
   * have seen what was given afterwards.
   */
  private static FinishReason overAtStart(
      GenerationRequest request, int choice, StopStrings stops) {
    ResumedChoice resumed = request.resumed(choice);
    FinishReason reason = resumed.ended();
    for (int i = 0; i < resumed.tokens().length && reason == null && stops != null; i++) {
      reason = stops.matches(resumed.tokens()[i]) ? FinishReason.STOP : null;
    }
    boolean full = resumed.tokens().length > 0 && resumed.tokens().length >= request.maxTokens();
    return reason == null && full ? FinishReason.LENGTH : reason;
  }

  /** Tokens of answers that further choices compute once they have the prompt. */
  int tokensBehindPrompt() {
    int sum = 0;
    for (int i = 0; i < choices.length && !forked; i++) {
      sum += over[i] == null ? choices[i].resumedTokens : 0;
    }
    return sum;
  }

  ActiveRequest leader() {
    return choices[leader];
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
    for (ActiveRequest other : choices) {
      if (other != r && other.finish == null && !other.cancelled) {
        return true;
      }
    }
    return false;
  }
}
