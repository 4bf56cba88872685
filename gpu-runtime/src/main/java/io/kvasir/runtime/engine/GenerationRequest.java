package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.LoadedSpan;
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
 * @param streams where the tokens of each choice go: best_of of them. A stream that was made for a
 *     {@link ResumedChoice} lets its choice go on from there; the sampling then carries the seed
 *     that was drawn for the first tokens
 * @param pins keep blocks that were loaded for it; owned by the engine from the submission on,
 *     which closes them when the admission has attached their blocks, or when the request ends or
 *     is refused before
 * @param loaded prompt tokens whose blocks were loaded for it, ascending and apart from each other
 */
public record GenerationRequest(
    long id,
    String tenant,
    int[] promptTokens,
    SamplingParameters sampling,
    long timeoutNs,
    List<Integer> promptLogitRows,
    List<LogitAdjuster> adjusters,
    List<TokenStream> streams,
    List<BlockPin> pins,
    List<LoadedSpan> loaded) {
  public GenerationRequest {
    promptLogitRows = List.copyOf(promptLogitRows);
    adjusters = List.copyOf(adjusters);
    streams = List.copyOf(streams);
    pins = List.copyOf(pins);
    loaded = List.copyOf(loaded);
    if (streams.size() != sampling.bestOf()) {
      throw new IllegalArgumentException(
          "streams=" + streams.size() + " must be best_of=" + sampling.bestOf() + ", one a choice");
    }
    int behind = 0;
    for (LoadedSpan span : loaded) {
      if (span.from() < behind) {
        throw new IllegalArgumentException(
            "loaded span [%d, %d) begins before %d, where the span before it ends, put them in order"
                .formatted(span.from(), span.to(), behind));
      }
      behind = span.to();
    }
  }

  /** A request with nothing loaded for it. */
  public GenerationRequest(
      long id,
      String tenant,
      int[] promptTokens,
      SamplingParameters sampling,
      long timeoutNs,
      List<Integer> promptLogitRows,
      List<LogitAdjuster> adjusters,
      List<TokenStream> streams) {
    this(
        id,
        tenant,
        promptTokens,
        sampling,
        timeoutNs,
        promptLogitRows,
        adjusters,
        streams,
        List.of(),
        List.of());
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

  /** This request with blocks that were loaded for it. */
  public GenerationRequest withBlocks(List<BlockPin> newPins, List<LoadedSpan> newLoaded) {
    return new GenerationRequest(
        id,
        tenant,
        promptTokens,
        sampling,
        timeoutNs,
        promptLogitRows,
        adjusters,
        streams,
        newPins,
        newLoaded);
  }

  /** Tokens of the answer at most; an embedding has none. */
  int maxTokens() {
    return stream().pooled() == null ? sampling.maxTokens() : 0;
  }

  /** Where a choice goes on. */
  ResumedChoice resumed(int choice) {
    return streams.get(choice).resumed();
  }

  /** The accounting of a choice for which nothing was done. */
  Usage unserved(int choice) {
    int prompt = promptTokens.length;
    int given = resumed(choice).tokens().length;
    return new Usage(prompt, PromptSources.cached(prompt, 0), given, given, 0, 0, 0, -1, 0);
  }

  /** Gives up the pins; any thread, any number of times. */
  void closePins() {
    for (int i = 0; i < pins.size(); i++) {
      pins.get(i).close();
    }
  }

  /** The stream of choice 0. */
  public TokenStream stream() {
    return streams.getFirst();
  }
}
