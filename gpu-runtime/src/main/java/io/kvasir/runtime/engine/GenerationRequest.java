package io.kvasir.runtime.engine;

import java.util.List;

/**
 * One generation.
 *
 * @param id unique while the request lives; also the owner of its leases
 * @param tenant scheduling class and salt of its block keys
 * @param promptTokens at least one token; owned by the engine from here on
 * @param sampling how tokens are drawn and when it ends
 * @param timeoutNs time from submission after which it ends with {@link FinishReason#DEADLINE}; 0 =
 *     none
 * @param promptLogitRows prompt rows whose logits are delivered to {@link
 *     TokenStream#promptLogits}, ascending; empty for none
 * @param adjusters change logits before each draw, in this order: penalties, biases, masks
 * @param stream where its tokens go
 */
public record GenerationRequest(
    long id,
    String tenant,
    int[] promptTokens,
    SamplingParameters sampling,
    long timeoutNs,
    List<Integer> promptLogitRows,
    List<LogitAdjuster> adjusters,
    TokenStream stream) {
  public GenerationRequest {
    promptLogitRows = List.copyOf(promptLogitRows);
    adjusters = List.copyOf(adjusters);
  }

  /** A request whose logits are drawn from as they are. */
  public GenerationRequest(
      long id,
      String tenant,
      int[] promptTokens,
      SamplingParameters sampling,
      long timeoutNs,
      List<Integer> promptLogitRows,
      TokenStream stream) {
    this(id, tenant, promptTokens, sampling, timeoutNs, promptLogitRows, List.of(), stream);
  }
}
