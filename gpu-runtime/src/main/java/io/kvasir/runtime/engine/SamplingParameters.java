package io.kvasir.runtime.engine;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * How tokens are drawn, what is reported about them, and when generation ends. Made by {@link
 * #builder()}; every value is checked, NaN and infinities are refused. Immutable.
 *
 * <p>Logits are changed in this order: logit_bias, min_tokens, penalties, the request's own
 * adjusters. The draw then goes through temperature, top_k, top_p, min_p and typical_p ({@link
 * Sampler}).
 *
 * @param temperature 0 = greedy
 * @param topP nucleus, in (0, 1]; 1 = off
 * @param topK 0 = off
 * @param minP relative floor, in [0, 1]; 0 = off
 * @param typicalP locally typical mass, in (0, 1]; 1 = off
 * @param penalties for tokens that were there before
 * @param logitBias added to the logits of token ids, each in [−100, 100]
 * @param seed null: drawn at admission
 * @param maxTokens at least 1, of each choice
 * @param minTokens stop rules sleep until an answer has that many tokens, see {@link StopStrings}
 * @param stopIds token ids that end generation (not emitted), end-of-sequence included
 * @param stopStrings strings that end generation; matched on decoded text
 * @param continuesPrompt whether that text goes on where the prompt's ended (completions) or starts
 *     anew (chat), which decides about a leading space
 * @param includeStopString whether the stop string that ended it belongs to the answer's text
 * @param n answers that the client gets
 * @param bestOf answers generated, of which the n likeliest are kept; n = no choosing
 * @param logprobs log-probabilities per generated token: {@link #NO_LOGPROBS}, 0 = of the drawn
 *     token alone, k = also of the k likeliest
 * @param promptLogprobs the same for prompt tokens; a request that asks computes its whole prompt
 */
public record SamplingParameters(
    float temperature,
    float topP,
    int topK,
    float minP,
    float typicalP,
    Penalties penalties,
    Map<Integer, Float> logitBias,
    Long seed,
    int maxTokens,
    int minTokens,
    List<Integer> stopIds,
    List<String> stopStrings,
    boolean continuesPrompt,
    boolean includeStopString,
    int n,
    int bestOf,
    int logprobs,
    int promptLogprobs) {
  /** Log-probabilities are not wanted. */
  public static final int NO_LOGPROBS = -1;

  public static final int MAX_TOP_LOGPROBS = 20;
  public static final int MAX_CHOICES = 128;
  public static final int MAX_BIASES = 1024;

  /** Log-probabilities that one request may ask to be kept, all choices together. */
  public static final int MAX_KEPT_LOGPROBS = 1 << 20;

  public SamplingParameters {
    logitBias = Map.copyOf(logitBias);
    stopIds = List.copyOf(stopIds);
    stopStrings = List.copyOf(stopStrings);
    require(
        temperature >= 0 && temperature <= 100, "temperature", temperature, "between 0 and 100");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(topK >= 0, "top_k", topK, "0 (off) or more");
    require(minP >= 0 && minP <= 1, "min_p", minP, "between 0 and 1");
    require(typicalP > 0 && typicalP <= 1, "typical_p", typicalP, "above 0 and at most 1");
    require(maxTokens >= 1, "max_tokens", maxTokens, "at least 1");
    require(
        minTokens >= 0 && minTokens <= maxTokens,
        "min_tokens",
        minTokens,
        "between 0 and max_tokens=" + maxTokens);
    require(!stopStrings.contains(""), "stop", "\"\"", "a string of at least one character");
    require(
        logitBias.size() <= MAX_BIASES, "logit_bias entries", logitBias.size(), atMost(MAX_BIASES));
    logitBias.forEach(
        (id, bias) ->
            require(
                bias >= -100 && bias <= 100,
                "logit_bias of token " + id,
                bias,
                "between -100 and 100"));
    require(n >= 1 && n <= MAX_CHOICES, "n", n, "between 1 and " + MAX_CHOICES);
    require(
        bestOf >= n && bestOf <= MAX_CHOICES,
        "best_of",
        bestOf,
        "between n=" + n + " and " + MAX_CHOICES);
    requireTop("top_logprobs", logprobs);
    requireTop("prompt_logprobs", promptLogprobs);
    long kept = logprobs < 0 ? 0 : (long) maxTokens * bestOf * (1 + logprobs);
    if (kept > MAX_KEPT_LOGPROBS) {
      throw new IllegalArgumentException(
          "max_tokens=%d for best_of=%d choices with 1 + top_logprobs=%d values each are %d log-probabilities, more than %d, lower one of them"
              .formatted(maxTokens, bestOf, logprobs, kept, MAX_KEPT_LOGPROBS));
    }
  }

  private static void requireTop(String name, int count) {
    require(
        count >= NO_LOGPROBS && count <= MAX_TOP_LOGPROBS,
        name,
        count,
        "between 0 and " + MAX_TOP_LOGPROBS);
  }

  private static String atMost(int bound) {
    return "at most " + bound;
  }

  /** Every comparison with NaN is false, so a NaN never passes. */
  static void require(boolean valid, String name, Object value, String bound) {
    if (!valid) {
      throw new IllegalArgumentException(
          name + "=" + value + " must be " + bound + ", change it or leave it out");
    }
  }

  /** Greedy decoding of at most {@code maxTokens}, ending at {@code stopIds}. */
  public static SamplingParameters greedy(int maxTokens, List<Integer> stopIds) {
    return builder().temperature(0).maxTokens(maxTokens).stopIds(stopIds).build();
  }

  /** Temperature 1 and 16 tokens, everything else off. */
  public static Builder builder() {
    return new Builder();
  }

  /** These parameters as a builder, to change some. */
  public Builder toBuilder() {
    Builder b = new Builder();
    b.temperature = temperature;
    b.topP = topP;
    b.topK = topK;
    b.minP = minP;
    b.typicalP = typicalP;
    b.penalties = penalties;
    b.logitBias = logitBias;
    b.seed = seed;
    b.maxTokens = maxTokens;
    b.minTokens = minTokens;
    b.stopIds = stopIds;
    b.stopStrings = stopStrings;
    b.continuesPrompt = continuesPrompt;
    b.includeStopString = includeStopString;
    b.n = n;
    b.bestOf = bestOf == n ? 0 : bestOf;
    b.logprobs = logprobs;
    b.promptLogprobs = promptLogprobs;
    return b;
  }

  /** Whether the engine sums log-probabilities: asked for, or needed to choose the best. */
  boolean measures() {
    return logprobs != NO_LOGPROBS || bestOf > n;
  }

  /** Collects parameters; {@link #build()} checks them. One thread. */
  public static final class Builder {
    private float temperature = 1;
    private float topP = 1;
    private int topK;
    private float minP;
    private float typicalP = 1;
    private Penalties penalties = Penalties.NONE;
    private Map<Integer, Float> logitBias = Map.of();
    private Long seed;
    private int maxTokens = 16;
    private int minTokens;
    private List<Integer> stopIds = List.of();
    private List<Integer> endIds = List.of();
    private boolean ignoreEos;
    private List<String> stopStrings = List.of();
    private boolean continuesPrompt;
    private boolean includeStopString;
    private int n = 1;
    private int bestOf;
    private int logprobs = NO_LOGPROBS;
    private int promptLogprobs = NO_LOGPROBS;

    private Builder() {}

    public Builder temperature(float value) {
      temperature = value;
      return this;
    }

    public Builder topP(float value) {
      topP = value;
      return this;
    }

    public Builder topK(int value) {
      topK = value;
      return this;
    }

    public Builder minP(float value) {
      minP = value;
      return this;
    }

    public Builder typicalP(float value) {
      typicalP = value;
      return this;
    }

    public Builder penalties(Penalties value) {
      penalties = value;
      return this;
    }

    public Builder logitBias(Map<Integer, Float> value) {
      logitBias = value;
      return this;
    }

    /** Null draws one at admission. */
    public Builder seed(Long value) {
      seed = value;
      return this;
    }

    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    public Builder minTokens(int value) {
      minTokens = value;
      return this;
    }

    public Builder stopIds(List<Integer> value) {
      stopIds = value;
      return this;
    }

    /** The model's end-of-sequence ids: stop ids too, unless {@link #ignoreEos} is set. */
    public Builder endIds(List<Integer> value) {
      endIds = value;
      return this;
    }

    /** End-of-sequence tokens become tokens like others. */
    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    public Builder stopStrings(List<String> value) {
      stopStrings = value;
      return this;
    }

    public Builder continuesPrompt(boolean value) {
      continuesPrompt = value;
      return this;
    }

    public Builder includeStopString(boolean value) {
      includeStopString = value;
      return this;
    }

    public Builder n(int value) {
      n = value;
      return this;
    }

    /** 0 (the default) generates just n. */
    public Builder bestOf(int value) {
      bestOf = value;
      return this;
    }

    public Builder logprobs(int value) {
      logprobs = value;
      return this;
    }

    public Builder promptLogprobs(int value) {
      promptLogprobs = value;
      return this;
    }

    /**
     * @throws IllegalArgumentException with one sentence that names the value and its bound
     */
    public SamplingParameters build() {
      LinkedHashSet<Integer> ends = new LinkedHashSet<>(ignoreEos ? List.of() : endIds);
      ends.addAll(stopIds);
      return new SamplingParameters(
          temperature,
          topP,
          topK,
          minP,
          typicalP,
          penalties,
          logitBias,
          seed,
          maxTokens,
          minTokens,
          new ArrayList<>(ends),
          stopStrings,
          continuesPrompt,
          includeStopString,
          n,
          bestOf == 0 ? n : bestOf,
          logprobs,
          promptLogprobs);
    }
  }
}
