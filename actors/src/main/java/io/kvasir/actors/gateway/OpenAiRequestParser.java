package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.SamplingParameters;
import java.util.List;

/** Body → {@link OpenAiRequest}; every field is taken, or refused by name. */
final class OpenAiRequestParser {
  private static final int MAX_CHOICES = SamplingParameters.MAX_CHOICES;
  private static final int MAX_TOP = SamplingParameters.MAX_TOP_LOGPROBS;
  private static final int OFF = SamplingParameters.NO_LOGPROBS;

  private OpenAiRequestParser() {}

  static OpenAiRequest parseChat(byte[] body) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    KvasirFields extension = KvasirFields.parse(fields);
    InertFields.takeChat(fields);
    String newer = "max_completion_tokens";
    Integer limit = count(fields, newer, 1);
    Integer older = count(fields, "max_tokens", 1);
    if (limit != null && older != null && !limit.equals(older)) {
      throw ApiException.invalidValue(
          "max_tokens",
          "max_tokens=%d and max_completion_tokens=%d differ, send one of them"
              .formatted(older, limit));
    }
    OpenAiRequest.Delivery delivery = delivery(fields);
    int n = choices(fields, "n", 1);
    OpenAiRequest request =
        new OpenAiRequest(
            fields.requiredText("model"),
            List.of(PromptFields.chat(fields)),
            limits(
                fields,
                extension,
                limit == null ? older : limit,
                limit == null ? "max_tokens" : newer),
            SamplingFields.draw(fields),
            SamplingFields.stops(fields),
            new OpenAiRequest.Choices(n, n),
            new OpenAiRequest.Report(chatLogprobs(fields), promptLogprobs(fields, delivery), false),
            GuideFields.parse(fields),
            extension.place(),
            delivery,
            InertFields.serviceTier(fields));
    fields.refuseOthers(UnservedFields.CHAT);
    return request;
  }

  static OpenAiRequest parseCompletion(byte[] body) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    KvasirFields extension = KvasirFields.parse(fields);
    boolean echo = fields.flag("echo");
    Integer maxTokens = count(fields, "max_tokens", echo ? 0 : 1);
    OpenAiRequest.Delivery delivery = delivery(fields);
    Integer logprobs = count(fields, "logprobs", 0, MAX_TOP);
    int n = choices(fields, "n", 1);
    OpenAiRequest.Choices choices =
        new OpenAiRequest.Choices(n, Math.max(n, choices(fields, "best_of", n)));
    if (delivery.stream() && choices.bestOf() > n) {
      throw ApiException.invalidValue(
          "best_of",
          "best_of=%d of n=%d cannot be streamed, because the best are known only at the end, send stream=false or leave best_of out"
              .formatted(choices.bestOf(), n));
    }
    OpenAiRequest request =
        new OpenAiRequest(
            fields.requiredText("model"),
            PromptFields.prompts(fields),
            limits(fields, extension, maxTokens, "max_tokens"),
            SamplingFields.draw(fields),
            SamplingFields.stops(fields),
            choices,
            new OpenAiRequest.Report(
                logprobs == null ? OFF : logprobs, promptLogprobs(fields, delivery), echo),
            GuideFields.parse(fields),
            extension.place(),
            delivery,
            null);
    fields.refuseOthers(UnservedFields.COMPLETIONS);
    int all = request.prompts().size() * choices.bestOf();
    if (all > MAX_CHOICES) {
      throw ApiException.invalidValue(
          "prompt",
          "prompt holds %d prompts of %d choices each, %d together, the limit is %d, send fewer at once"
              .formatted(request.prompts().size(), choices.bestOf(), all, MAX_CHOICES));
    }
    return request;
  }

  private static OpenAiRequest.Limits limits(
      RequestFields fields, KvasirFields extension, Integer maxTokens, String maxTokensField) {
    return new OpenAiRequest.Limits(
        maxTokens, maxTokensField, count(fields, "min_tokens", 0), extension.timeout());
  }

  private static int choices(RequestFields fields, String name, int min) {
    Integer asked = count(fields, name, min, MAX_CHOICES);
    return asked == null ? min : asked;
  }

  private static Integer count(RequestFields fields, String name, int min) {
    return count(fields, name, min, Integer.MAX_VALUE);
  }

  private static Integer count(RequestFields fields, String name, int min, int max) {
    Long value = fields.integer(name, min, max);
    return value == null ? null : value.intValue();
  }

  private static int chatLogprobs(RequestFields fields) {
    boolean wanted = fields.flag("logprobs");
    Integer top = count(fields, "top_logprobs", 0, MAX_TOP);
    if (!wanted && top != null && top > 0) {
      throw ApiException.invalidValue(
          "top_logprobs",
          "top_logprobs=%d needs logprobs, send logprobs=true or remove it".formatted(top));
    }
    return !wanted ? OFF : top == null ? 0 : top;
  }

  private static int promptLogprobs(RequestFields fields, OpenAiRequest.Delivery delivery) {
    Integer top = count(fields, "prompt_logprobs", 0, MAX_TOP);
    if (top != null && delivery.stream()) {
      throw ApiException.invalidValue(
          "prompt_logprobs",
          "prompt_logprobs=%d cannot be streamed, send stream=false or remove it".formatted(top));
    }
    return top == null ? OFF : top;
  }

  private static OpenAiRequest.Delivery delivery(RequestFields fields) {
    boolean stream = fields.flag("stream");
    RequestFields options = fields.object("stream_options");
    if (options == null) {
      return new OpenAiRequest.Delivery(stream, false, false);
    }
    if (!stream) {
      throw ApiException.invalidValue(
          "stream_options", "stream_options is only for streams, send stream=true or remove it");
    }
    boolean includeUsage = options.flag("include_usage");
    boolean continuousUsage = options.flag("continuous_usage_stats");
    options.refuseOthers(UnservedFields.STREAM_OPTIONS);
    return new OpenAiRequest.Delivery(true, includeUsage, continuousUsage);
  }
}
