package io.kvasir.actors.gateway;

import static java.util.Locale.ROOT;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

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
      @JsonInclude(Include.NON_NULL) List<Map<String, PromptLogprob>> promptLogprobs,
      @JsonInclude(Include.NON_NULL) Explanation kvasir) {}

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
      @JsonInclude(Include.NON_NULL) Object usage,
      @JsonInclude(Include.NON_NULL) Explanation kvasir) {}

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
      @JsonInclude(Include.NON_NULL) Object usage,
      @JsonInclude(Include.NON_NULL) Explanation kvasir) {}

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

  /**
   * {@code prompt_tokens} is the sum of the seven sources, {@code device_hit_tokens} to {@code
   * recomputed_tokens}.
   *
   * @param replayedTokens placed again by another node after one was lost, beside the prompt's
   * @param misses tokens of full blocks that were computed though a tier might have had them
   * @param node that ended the answer; not told by a node that knows no other
   * @param attempts nodes that were asked
   */
  record Accounting(
      int deviceHitTokens,
      int hostTokens,
      int diskTokens,
      int peerTokens,
      int remoteTokens,
      int reusedTokens,
      int recomputedTokens,
      int generatedTokens,
      int replayedTokens,
      long rowLayersComputed,
      int preemptions,
      double queuedMs,
      double firstTokenMs,
      double totalMs,
      @JsonInclude(Include.NON_EMPTY) Map<String, Integer> misses,
      @JsonInclude(Include.NON_EMPTY) String node,
      int attempts) {}

  /** What an answer tells of its way, asked for by {@code kvasir.explain}. */
  record Explanation(List<RouteDocument> nodes, List<String> loading) {}

  /** A node as it was predicted; the times add up with the cost of asking it. */
  record RouteDocument(
      String node,
      boolean chosen,
      double queueMs,
      double loadMs,
      double computeMs,
      double totalMs,
      int deviceTokens,
      int loadTokens) {}

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
            usage.sources().device(),
            usage.sources().host(),
            usage.sources().disk(),
            usage.sources().peer(),
            usage.sources().remote(),
            usage.sources().reused(),
            usage.recomputedTokens(),
            usage.generatedTokens(),
            done.serving().replayedTokens(),
            usage.rowLayersComputed(),
            usage.preemptions(),
            milliseconds(usage.queuedNs()),
            milliseconds(usage.firstTokenNs()),
            milliseconds(usage.totalNs()),
            misses(done.serving()),
            done.serving().node(),
            done.serving().attempts()));
  }

  private static Map<String, Integer> misses(Serving serving) {
    Map<String, Integer> misses = new TreeMap<>();
    serving.misses().forEach((why, tokens) -> misses.put(why.name().toLowerCase(ROOT), tokens));
    return misses;
  }

  /** What is told of an answer's way. */
  static Explanation explanation(Serving serving) {
    List<RouteDocument> nodes = new ArrayList<>();
    for (Serving.Route route : serving.routes()) {
      nodes.add(
          new RouteDocument(
              route.node(),
              route.chosen(),
              milliseconds(route.queueNs()),
              milliseconds(route.loadNs()),
              milliseconds(route.computeNs()),
              milliseconds(route.totalNs()),
              route.deviceTokens(),
              route.loadTokens()));
    }
    return new Explanation(nodes, serving.explained());
  }

  /** OpenAI's word for why it ended. */
  static String finishReason(FinishReason reason) {
    return reason == FinishReason.LENGTH ? "length" : "stop";
  }

  private static double milliseconds(long ns) {
    return Math.round(ns / 1e3) / 1e3;
  }
}
