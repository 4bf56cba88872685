package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.engine.SchedulingPolicy.Running;
import io.kvasir.runtime.engine.SchedulingPolicy.Ticket;
import io.kvasir.runtime.model.WorkItem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A request inside the engine: its tokens, how far they are computed, and its cache. */
final class ActiveRequest implements TokenPath {
  final GenerationRequest request;
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

  int deviceHitTokens = -1;
  long rowLayers;
  int preemptions;
  long admittedNs;
  long firstAdmittedNs = -1;
  long firstTokenNs = -1;
  boolean promptLogitsDone;
  boolean cancelled;
  int sampled = -1;
  FinishReason finish;

  ActiveRequest(GenerationRequest request, Ticket ticket, long seed, StopStrings stopStrings) {
    this.request = request;
    this.ticket = ticket;
    this.seed = seed;
    this.stopStrings = stopStrings;
    this.adjusters = adjusters(request);
    this.promptLength = request.promptTokens().length;
    this.submittedNs = ticket.arrivalNs();
    this.tokens = Arrays.copyOf(request.promptTokens(), Integer.highestOneBit(promptLength) * 2);
    this.length = promptLength;
  }

  private static List<LogitAdjuster> adjusters(GenerationRequest request) {
    SamplingParameters s = request.sampling();
    if (s.minTokens() == 0 || s.stopIds().isEmpty()) {
      return request.adjusters();
    }
    List<LogitAdjuster> all = new ArrayList<>(request.adjusters());
    all.add(new MinTokensMask(s.minTokens(), s.stopIds()));
    return List.copyOf(all);
  }

  void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token;
  }

  int[] tokens() {
    return tokens;
  }

  int generated() {
    return length - promptLength;
  }

  int remaining() {
    return length - cursor;
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
    int hits = Math.max(0, deviceHitTokens);
    return new Usage(
        promptLength,
        hits,
        promptLength - hits,
        generated(),
        rowLayers,
        preemptions,
        (firstAdmittedNs < 0 ? nowNs : firstAdmittedNs) - submittedNs,
        firstTokenNs < 0 ? -1 : firstTokenNs - submittedNs,
        nowNs - submittedNs);
  }
}
