package io.kvasir.actors.gateway;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import java.util.List;
import java.util.Map;

/** What the node answers, as records in OpenAI's shapes; names become snake_case. */
final class OpenAiDocuments {
  private OpenAiDocuments() {}

  /** Whole chat answer; prompt_logprobs are vLLM's. */
  record ChatCompletion(
      String id,
      String object,
      long created,
      String model,
      String systemFingerprint,
      @JsonInclude(Include.NON_NULL) String serviceTier,
      List<ChatChoice> choices,
      UsageDocument usage,
      @JsonInclude(Include.NON_NULL) List<Map<String, PromptLogprob>> promptLogprobs) {}

  /** One of its choices. */
  record ChatChoice(int index, Message message, ChatLogprobs logprobs, String finishReason) {}

  /** The assistant's message. */
  record Message(String role, String content, Object refusal) {}

  /** One event of a streamed chat answer. */
  record ChatChunk(
      String id,
      String object,
      long created,
      String model,
      String systemFingerprint,
      @JsonInclude(Include.NON_NULL) String serviceTier,
      List<ChunkChoice> choices,
      @JsonInclude(Include.NON_NULL) Object usage) {}

  /** The choice it is about; finish_reason is null until the last. */
  record ChunkChoice(int index, Delta delta, ChatLogprobs logprobs, String finishReason) {}

  /** What is new. */
  @JsonInclude(Include.NON_NULL)
  record Delta(String role, String content) {}

  /** Log-probabilities of a chat answer's tokens. */
  record ChatLogprobs(List<ChatToken> content, Object refusal) {}

  /** One token; {@code bytes} are its UTF-8, which may be a part of a character. */
  record ChatToken(
      String token,
      double logprob,
      int[] bytes,
      @JsonInclude(Include.NON_NULL) List<ChatToken> topLogprobs) {}

  /** Whole text answer, and one event of a streamed one. */
  record TextCompletion(
      String id,
      String object,
      long created,
      String model,
      String systemFingerprint,
      List<TextChoice> choices,
      @JsonInclude(Include.NON_NULL) Object usage) {}

  /** One of its choices. */
  record TextChoice(
      int index,
      String text,
      TextLogprobs logprobs,
      String finishReason,
      @JsonInclude(Include.NON_NULL) List<Map<String, PromptLogprob>> promptLogprobs) {}

  /** Log-probabilities of a text answer's tokens, an array each; null for a prompt's first. */
  record TextLogprobs(
      List<String> tokens,
      List<Double> tokenLogprobs,
      List<Map<String, Double>> topLogprobs,
      List<Integer> textOffset) {}

  /** vLLM's: of one token that could have stood in the prompt; rank 1 is the likeliest. */
  record PromptLogprob(double logprob, Integer rank, String decodedToken) {}

  /** Token counts; {@code kvasir} says where every prompt token's KV came from. */
  record UsageDocument(
      int promptTokens,
      int completionTokens,
      int totalTokens,
      PromptTokensDetails promptTokensDetails,
      Accounting kvasir) {}

  /** Token counts while an answer is on its way. */
  record UsageSoFar(int promptTokens, int completionTokens, int totalTokens) {}

  /** Prompt tokens whose KV was not computed for this request. */
  record PromptTokensDetails(int cachedTokens) {}

  /** {@code prompt_tokens = device_hit_tokens + recomputed_tokens}. */
  record Accounting(
      int deviceHitTokens,
      int recomputedTokens,
      int generatedTokens,
      long rowLayersComputed,
      int preemptions,
      double queuedMs,
      double firstTokenMs,
      double totalMs) {}

  /** GET /v1/models. */
  record ModelList(String object, List<Model> data) {}

  /**
   * One model, or one alias of it.
   *
   * @param root the id of the model that answers; vLLM tells its path here, which is nobody's
   *     business
   * @param parent always null, as of every model that is no adapter of another
   */
  record Model(
      String id,
      String object,
      long created,
      String ownedBy,
      String root,
      String parent,
      Integer maxModelLen) {}

  /**
   * GET /health/*.
   *
   * @param model the first model
   * @param reason of the first that failed
   */
  record Health(
      String status,
      String model,
      @JsonInclude(Include.NON_NULL) String reason,
      List<ModelHealth> models) {}

  /** One model's part of it. */
  record ModelHealth(String id, String status, @JsonInclude(Include.NON_NULL) String reason) {}

  /** POST /tokenize. */
  record Tokenized(int count, int maxModelLen, int[] tokens, List<String> tokenStrs) {}

  /** POST /detokenize. */
  record Detokenized(String prompt) {}

  /** POST /v1/embeddings. */
  record EmbeddingList(
      String object, List<EmbeddingDocument> data, String model, EmbeddingUsage usage) {}

  /**
   * One input's.
   *
   * @param embedding numbers, or the base64 of their little-endian f32
   */
  record EmbeddingDocument(String object, int index, Object embedding) {}

  /** Token counts of an embedding request; {@code kvasir} says where their KV came from. */
  record EmbeddingUsage(
      int promptTokens,
      int totalTokens,
      PromptTokensDetails promptTokensDetails,
      EmbeddingAccounting kvasir) {}

  /** {@code prompt_tokens = device_hit_tokens + recomputed_tokens}. */
  record EmbeddingAccounting(
      int deviceHitTokens, int recomputedTokens, long rowLayersComputed, int preemptions) {}

  /** Accounting of an answer. */
  static UsageDocument usage(AnswerPart.Done done) {
    Usage usage = done.usage();
    return new UsageDocument(
        usage.promptTokens(),
        done.completionTokens(),
        usage.promptTokens() + done.completionTokens(),
        new PromptTokensDetails(usage.promptTokens() - usage.recomputedTokens()),
        new Accounting(
            usage.deviceHitTokens(),
            usage.recomputedTokens(),
            usage.generatedTokens(),
            usage.rowLayersComputed(),
            usage.preemptions(),
            milliseconds(usage.queuedNs()),
            milliseconds(usage.firstTokenNs()),
            milliseconds(usage.totalNs())));
  }

  /** OpenAI's word for why it ended. */
  static String finishReason(FinishReason reason) {
    return reason == FinishReason.LENGTH ? "length" : "stop";
  }

  private static double milliseconds(long ns) {
    return Math.round(ns / 1e3) / 1e3;
  }
}
