package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.Penalties;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.List;
import java.util.Map;

/**
 * {@link SamplingParameters} as they travel. The seed is always there: the gateway draws one when
 * the client gives none, so that every attempt draws alike. What an older sender does not know is
 * absent and means "off".
 */
record WireSampling(
    float temperature,
    Float topP,
    int topK,
    float minP,
    Float typicalP,
    Float repetition,
    float presence,
    float frequency,
    Map<Integer, Float> logitBias,
    long seed,
    int maxTokens,
    int minTokens,
    List<Integer> stopIds,
    List<String> stopStrings,
    boolean continuesPrompt,
    boolean includeStopString,
    int n,
    int bestOf,
    Integer logprobs,
    Integer promptLogprobs) {

  static WireSampling of(SamplingParameters s) {
    if (s.seed() == null) {
      throw new IllegalArgumentException("seed is null, draw one before the order leaves the node");
    }
    return new WireSampling(
        s.temperature(),
        s.topP(),
        s.topK(),
        s.minP(),
        s.typicalP(),
        s.penalties().repetition(),
        s.penalties().presence(),
        s.penalties().frequency(),
        s.logitBias(),
        s.seed(),
        s.maxTokens(),
        s.minTokens(),
        s.stopIds(),
        s.stopStrings(),
        s.continuesPrompt(),
        s.includeStopString(),
        s.n(),
        s.bestOf(),
        s.logprobs(),
        s.promptLogprobs());
  }

  /**
   * The engine's form.
   *
   * @throws IllegalArgumentException with one sentence when a value is out of range
   */
  SamplingParameters parameters() {
    return SamplingParameters.builder()
        .temperature(temperature)
        .topP(topP == null ? 1 : topP)
        .topK(topK)
        .minP(minP)
        .typicalP(typicalP == null ? 1 : typicalP)
        .penalties(new Penalties(repetition == null ? 1 : repetition, presence, frequency))
        .logitBias(logitBias == null ? Map.of() : logitBias)
        .seed(seed)
        .maxTokens(maxTokens)
        .minTokens(minTokens)
        .stopIds(stopIds == null ? List.of() : stopIds)
        .stopStrings(stopStrings == null ? List.of() : stopStrings)
        .continuesPrompt(continuesPrompt)
        .includeStopString(includeStopString)
        .n(n)
        .bestOf(bestOf)
        .logprobs(logprobs == null ? SamplingParameters.NO_LOGPROBS : logprobs)
        .promptLogprobs(promptLogprobs == null ? SamplingParameters.NO_LOGPROBS : promptLogprobs)
        .build();
  }
}
