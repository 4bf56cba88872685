package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.engine.SchedulingPolicy.Running;
import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import io.kvasir.runtime.model.WorkItem;
import java.util.Arrays;
import java.util.List;

/** One choice of a request: its tokens, how far they are computed, and its cache. */
final class ActiveRequest implements TokenPath {
  final RequestGroup group;
  final GenerationRequest request;
  final int choice;
  final TokenStream stream;
  final Ticket ticket;
  final long seed;
  final StopStrings stopStrings;
  final List<LogitAdjuster> adjusters;
  final int promptLength;
  final long submittedNs;

  /** Prompt and answer; length published through {@link #length}. */
  private int[] tokens;

  private int length;

  SequenceCache cache;
  WorkItem item;

  /** Tokens before this one have been through the model. */
  int cursor;

  /** Tokens whose K and V are committed. */
  int cached;

  /** Rows of this request in the running step. */
  int stepRows;

  PromptSources sources;
  long rowLayers;
  int preemptions;
  long admittedNs;
  long firstAdmittedNs = -1;
  long firstTokenNs = -1;
  boolean promptLogitsDone;
  boolean cancelled;

  /** Whether the policy holds its ticket. */
  boolean queued;

  /** Whether it counts as waiting; choices beside a waiting leader do without a ticket there. */
  boolean waits;

  int sampled = -1;
  float sampledLogprob;
  FinishReason finish;

  /** Tokens of the answer that came with the request. */
  final int resumedTokens;

  ActiveRequest(RequestGroup group, int choice, Ticket ticket, long seed, StopStrings stops) {
    this.group = group;
    this.request = group.request;
    this.choice = choice;
    this.stream = request.streams().get(choice);
    this.ticket = ticket;
    this.seed = seed;
    this.stopStrings = stops;
    this.adjusters = Adjusters.of(request, choice);
    this.promptLength = request.promptTokens().length;
    this.submittedNs = ticket.arrivalNs();
    ResumedChoice resumed = request.resumed(choice);
    this.resumedTokens = resumed.tokens().length;
    this.length = promptLength + resumedTokens;
    // The prompt's own array, until there is more than the prompt.
    this.tokens = request.promptTokens();
    if (resumedTokens > 0) {
      this.tokens = Arrays.copyOf(tokens, length);
      System.arraycopy(resumed.tokens(), 0, tokens, promptLength, resumedTokens);
    }
    // What the prompt's rows say was delivered with the first token, and to choice 0 alone.
    this.promptLogitsDone = choice > 0 || !resumed.isFresh();
    this.sources = PromptSources.cached(promptLength, 0);
  }

  /** Starts at the end of the prompt that the leader has computed, on pages shared with it. */
  void startFrom(ActiveRequest leader, SequenceCache shared, WorkItem ownItem) {
    cache = shared;
    item = ownItem;
    cursor = leader.cursor;
    cached = leader.cached;
    sources = PromptSources.cached(promptLength, promptLength);
    admittedNs = leader.admittedNs;
    promptLogitsDone = true;
  }

  /** Whether it is an input to be embedded in this way. */
  boolean pools(Pooling way) {
    return stream.pooled() != null && stream.pooled().pooling() == way;
  }

  /**
   * First prompt row whose logits or hidden state somebody wants; nothing may hit from there on.
   */
  int firstWantedRow() {
    if (promptLogitsDone) {
      return Integer.MAX_VALUE;
    }
    if (stream.promptLogprobs() != null || pools(Pooling.MEAN)) {
      return 0;
    }
    return request.promptLogitRows().isEmpty()
        ? Integer.MAX_VALUE
        : request.promptLogitRows().getFirst();
  }

  /** Marks the asked-for prompt rows among the next {@code rows}. */
  void wantPromptRows(WorkItem of, int rows) {
    if (stream.promptLogprobs() != null) {
      for (int row = 0; row < rows && cursor + row + 1 < promptLength; row++) {
        of.logits(row);
      }
    }
    List<Integer> wanted = request.promptLogitRows();
    for (int i = 0; i < wanted.size(); i++) {
      int row = wanted.get(i) - cursor;
      if (row >= 0 && row < rows) {
        of.logits(row);
      }
    }
  }

  /** Whether a drawn token ends the answer without becoming part of it. */
  boolean endsAt(int token) {
    SamplingParameters s = request.sampling();
    boolean ends = false;
    for (int i = 0; i < s.stopIds().size() && !ends; i++) {
      ends = s.stopIds().get(i) == token;
    }
    return ends && generated() >= s.minTokens();
  }

  void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(16, Integer.highestOneBit(length) * 2));
    }
    tokens[length++] = token;
  }

  int[] tokens() {
    return tokens;
  }

  int generated() {
    return length - promptLength;
  }

  /**
   * Tokens to be computed before the next draw: all, but for a leader that has yet to share the
   * prompt those of the prompt.
   */
  int end() {
    return group.forked ? length : promptLength;
  }

  int remaining() {
    return end() - cursor;
  }

  /** The first admission found {@code hit} tokens of prompt and given answer cached. */
  void admittedWith(int hit) {
    sources = PromptSources.loaded(promptLength, Math.min(hit, promptLength), request.loaded());
  }

  Running running() {
    return new Running(ticket, admittedNs, cached, generated());
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public int promptLength() {
    return promptLength;
  }

  @Override
  public int token(int index) {
    return tokens[index];
  }

  Usage usage(long nowNs) {
    return new Usage(
        promptLength,
        sources,
        generated(),
        resumedTokens,
        rowLayers,
        preemptions,
        (firstAdmittedNs < 0 ? nowNs : firstAdmittedNs) - submittedNs,
        firstTokenNs < 0 ? -1 : firstTokenNs - submittedNs,
        nowNs - submittedNs);
  }
}
