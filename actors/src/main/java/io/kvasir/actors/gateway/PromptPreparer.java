package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Request → order for a device: prompt to tokens, defaults filled in, limits checked with their
 * numbers. Worker thread; stateless.
 *
 * @param tenant whose request it is
 * @param maxContextTokens of model and tenant
 * @param defaultMaxTokens of a chat answer; never beyond the context
 * @param requestTimeout bound of what a client may ask for
 */
record PromptPreparer(
    String tenant,
    ModelText text,
    int maxContextTokens,
    int defaultMaxTokens,
    Duration requestTimeout) {
  // What OpenAI documents for /v1/completions.
  private static final int COMPLETION_MAX_TOKENS = 16;

  GenerationOrder prepare(OpenAiRequest request) {
    int[] prompt = tokens(request.prompt());
    if (prompt.length == 0) {
      throw ApiException.invalidValue("prompt", "prompt is empty, send at least one token");
    }
    int maxTokens = maxTokens(request, prompt.length);
    int minTokens = request.minTokens() == null ? 0 : request.minTokens();
    if (minTokens > maxTokens) {
      throw ApiException.invalidValue(
          "min_tokens",
          "min_tokens=%d exceeds max_tokens=%d, lower min_tokens or raise max_tokens"
              .formatted(minTokens, maxTokens));
    }
    ModelText.SamplingDefaults defaults = text.defaults();
    SamplingParameters sampling =
        SamplingParameters.builder()
            .temperature(or(request.temperature(), defaults.temperature()))
            .topP(or(request.topP(), defaults.topP()))
            .topK(request.topK() == null ? defaults.topK() : request.topK())
            .minP(or(request.minP(), defaults.minP()))
            .seed(request.seed())
            .maxTokens(maxTokens)
            .minTokens(minTokens)
            .stopIds(stopIds(request))
            .stopStrings(request.stop())
            .continuesPrompt(!(request.prompt() instanceof OpenAiRequest.Chat))
            .build();
    Duration timeout = request.timeout();
    return new GenerationOrder(
        tenant,
        prompt,
        sampling,
        timeout == null || timeout.compareTo(requestTimeout) > 0 ? requestTimeout : timeout);
  }

  private int[] tokens(OpenAiRequest.Prompt prompt) {
    return switch (prompt) {
      case OpenAiRequest.Text plain -> text.encode(plain.text());
      case OpenAiRequest.Ids ids -> checked("prompt", ids.tokens());
      case OpenAiRequest.Chat chat -> {
        try {
          yield text.encodeChat(chat.messages());
        } catch (IllegalArgumentException refused) {
          throw ApiException.invalidValue("messages", refused.getMessage());
        }
      }
    };
  }

  private int[] checked(String name, int[] ids) {
    for (int id : ids) {
      if (id >= text.vocabularyCount()) {
        throw ApiException.invalidValue(
            name,
            "%s holds token id %d, the vocabulary has %d, send ids below it"
                .formatted(name, id, text.vocabularyCount()));
      }
    }
    return ids;
  }

  private int maxTokens(OpenAiRequest request, int promptTokens) {
    int room = maxContextTokens - promptTokens;
    Integer asked = request.maxTokens();
    if (room < 1 || (asked != null && asked > room)) {
      throw ApiException.invalid(
          request.prompt() instanceof OpenAiRequest.Chat ? "messages" : "prompt",
          "context_length_exceeded",
          "the context is %d tokens, the request needs %d (%d in the prompt, %d for the answer), shorten the prompt or lower %s"
              .formatted(
                  maxContextTokens,
                  (long) promptTokens + (asked == null ? 1 : asked),
                  promptTokens,
                  asked == null ? 1 : asked,
                  request.maxTokensField()));
    }
    if (asked != null) {
      return asked;
    }
    return Math.min(
        room,
        request.prompt() instanceof OpenAiRequest.Chat ? defaultMaxTokens : COMPLETION_MAX_TOKENS);
  }

  private List<Integer> stopIds(OpenAiRequest request) {
    List<Integer> ids = new ArrayList<>(text.stopIds());
    checked("stop_token_ids", request.stopTokenIds().stream().mapToInt(id -> id).toArray());
    ids.addAll(request.stopTokenIds());
    return ids;
  }

  private static float or(Double asked, float otherwise) {
    return asked == null ? otherwise : asked.floatValue();
  }
}
