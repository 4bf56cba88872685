package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.runtime.engine.Penalties;
import io.kvasir.runtime.engine.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Request → orders for a device, one a prompt: prompt to tokens, defaults filled in, limits checked
 * with their numbers. Worker thread; stateless.
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

  List<GenerationOrder> prepare(OpenAiRequest request) {
    List<GenerationOrder> orders = new ArrayList<>(request.prompts().size());
    for (OpenAiRequest.Prompt prompt : request.prompts()) {
      orders.add(order(request, tokens(prompt)));
    }
    return orders;
  }

  private GenerationOrder order(OpenAiRequest request, int[] prompt) {
    if (prompt.length == 0) {
      throw ApiException.invalidValue("prompt", "prompt is empty, send at least one token");
    }
    int maxTokens = maxTokens(request, prompt.length);
    Integer minTokens = request.limits().minTokens();
    if (minTokens != null && minTokens > maxTokens) {
      throw ApiException.invalidValue(
          "min_tokens",
          "min_tokens=%d exceeds max_tokens=%d, lower min_tokens or raise max_tokens"
              .formatted(minTokens, maxTokens));
    }
    Duration timeout = request.limits().timeout();
    return new GenerationOrder(
        tenant,
        prompt,
        sampling(request, maxTokens, minTokens == null ? 0 : minTokens),
        timeout == null || timeout.compareTo(requestTimeout) > 0 ? requestTimeout : timeout,
        request.guide() == null ? null : request.guide().grammar(),
        List.of(),
        request.place().session(),
        request.place().explained(),
        request.place().directions());
  }

  private SamplingParameters sampling(OpenAiRequest request, int maxTokens, int minTokens) {
    ModelText.SamplingDefaults defaults = text.defaults();
    OpenAiRequest.Draw draw = request.draw();
    OpenAiRequest.Stops stops = request.stops();
    OpenAiRequest.Choices choices = request.choices();
    OpenAiRequest.Report report = request.report();
    checked("logit_bias", draw.logitBias().keySet().stream().mapToInt(id -> id).toArray());
    checked("stop_token_ids", stops.ids().stream().mapToInt(id -> id).toArray());
    // An echo shows the prompt's tokens like the answer's.
    int promptLogprobs =
        report.echo()
            ? Math.max(report.promptLogprobs(), report.logprobs())
            : report.promptLogprobs();
    try {
      return SamplingParameters.builder()
          .temperature(or(draw.temperature(), defaults.temperature()))
          .topP(or(draw.topP(), defaults.topP()))
          .topK(draw.topK() == null ? defaults.topK() : draw.topK())
          .minP(or(draw.minP(), defaults.minP()))
          .typicalP(or(draw.typicalP(), 1))
          .penalties(
              new Penalties(
                  or(draw.repetitionPenalty(), 1),
                  or(draw.presencePenalty(), 0),
                  or(draw.frequencyPenalty(), 0)))
          .logitBias(draw.logitBias())
          .seed(draw.seed())
          .maxTokens(maxTokens)
          .minTokens(minTokens)
          .endIds(text.stopIds())
          .ignoreEos(stops.ignoreEos())
          .stopIds(stops.ids())
          .stopStrings(stops.strings())
          .continuesPrompt(!request.isChat())
          .includeStopString(stops.included())
          .n(choices.n())
          .bestOf(choices.bestOf())
          .logprobs(report.logprobs())
          .promptLogprobs(promptLogprobs)
          .build();
    } catch (IllegalArgumentException refused) {
      // Its sentences begin with the name of the field.
      throw ApiException.invalidValue(
          refused.getMessage().split("[= ]", 2)[0], refused.getMessage());
    }
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

  /** At least 1: where the client wants the prompt alone, the one token is not shown. */
  private int maxTokens(OpenAiRequest request, int promptTokens) {
    int room = maxContextTokens - promptTokens;
    Integer given = request.limits().maxTokens();
    Integer asked = given == null ? null : (Integer) Math.max(1, given);
    if (room < 1 || (asked != null && asked > room)) {
      throw ApiException.invalid(
          request.isChat() ? "messages" : "prompt",
          "context_length_exceeded",
          "the context is %d tokens, the request needs %d (%d in the prompt, %d for the answer), shorten the prompt or lower %s"
              .formatted(
                  maxContextTokens,
                  (long) promptTokens + (asked == null ? 1 : asked),
                  promptTokens,
                  asked == null ? 1 : asked,
                  request.limits().maxTokensField()));
    }
    if (asked != null) {
      return asked;
    }
    return Math.min(room, request.isChat() ? defaultMaxTokens : COMPLETION_MAX_TOKENS);
  }

  private static float or(Double asked, float otherwise) {
    return asked == null ? otherwise : asked.floatValue();
  }
}
