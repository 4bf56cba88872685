package io.kvasir.runtime.engine;

import java.util.List;

/**
 * One generation: a prompt, and one or several answers to it.
 *
 * @param id unique while the request lives; also the owner of its leases
 * @param tenant scheduling class and salt of its block keys
 * @param promptTokens at least one token; owned by the engine from here on
 * @param sampling how tokens are drawn and when it ends
 * @param timeoutNs time from submission after which it ends with {@link FinishReason#DEADLINE}; 0 =
 *     none
 * @param promptLogitRows prompt rows whose logits are delivered to {@link TokenStream#promptLogits}
 *     of choice 0, ascending; empty for none
 * @param adjusters change logits before each draw, in this order, after the parameters' own; those
 *     given are choice 0's, see {@link LogitAdjuster#forAnotherChoice}
 * @param streams where the tokens of each choice go: best_of of them
 */
public record GenerationRequest(
    long id,
    String tenant,
    int[] promptTokens,
    SamplingParameters sampling,
    long timeoutNs,
    List<Integer> promptLogitRows,
    List<LogitAdjuster> adjusters,
    List<TokenStream> streams) {
  public GenerationRequest {
    promptLogitRows = List.copyOf(promptLogitRows);
    adjusters = List.copyOf(adjusters);
    streams = List.copyOf(streams);
    if (streams.size() != sampling.bestOf()) {
      throw new IllegalArgumentException(
          "streams=" + streams.size() + " must be best_of=" + sampling.bestOf() + ", one a choice");
    }
  }

  /** A request for one answer whose logits are drawn from as the parameters say. */
  public GenerationRequest(
      long id,
      String tenant,
      int[] promptTokens,
      SamplingParameters sampling,
      long timeoutNs,
      List<Integer> promptLogitRows,
      TokenStream stream) {
    this(
        id, tenant, promptTokens, sampling, timeoutNs, promptLogitRows, List.of(), List.of(stream));
  }

  /**
   * A request to embed {@code promptTokens} instead of answering them.
   *
   * @param stream made by {@link TokenStream#pooling}
   */
  public static GenerationRequest pooling(
      long id, String tenant, int[] promptTokens, long timeoutNs, TokenStream stream) {
    return new GenerationRequest(
        id,
        tenant,
        promptTokens,
        SamplingParameters.greedy(1, List.of()),
        timeoutNs,
        List.of(),
        stream);
  }

  /** Tokens of the answer at most; an embedding has none. */
  int maxTokens() {
    return stream().pooled() == null ? sampling.maxTokens() : 0;
  }

  /** The stream of choice 0. */
  public TokenStream stream() {
    return streams.getFirst();
  }
}
