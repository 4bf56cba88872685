package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.settings.GatewaySettings;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * {@code /tokenize} and {@code /detokenize} in vLLM's shapes, on the worker dispatcher: text to
 * tokens and back without the engine. They cost a tenant a request and no tokens. Failures leave as
 * {@link ApiException}.
 */
final class TokensHandler {
  private final ServedModels models;
  private final Executor workers;

  TokensHandler(ActorSystem<?> system, GatewaySettings settings, ServedModels models) {
    this.models = models;
    this.workers =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(settings.workerDispatcher()));
  }

  /** POST /tokenize. */
  CompletionStage<HttpResponse> tokenize(
      byte[] body, ClientConnection connection, RequestScope scope) {
    return CompletableFuture.supplyAsync(() -> answer(tokens(body, scope), scope), workers);
  }

  /** POST /detokenize. */
  CompletionStage<HttpResponse> detokenize(
      byte[] body, ClientConnection connection, RequestScope scope) {
    return CompletableFuture.supplyAsync(() -> answer(text(body, scope), scope), workers);
  }

  private OpenAiDocuments.Tokenized tokens(byte[] body, RequestScope scope) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    String name = fields.text("model");
    String prompt = fields.text("prompt");
    boolean chat = fields.get("messages") != null;
    if (chat && prompt != null) {
      throw ApiException.invalidValue(
          "messages", "prompt and messages are two ways to say the same, send one of them");
    }
    if (!chat && prompt == null) {
      throw fields.missing("prompt");
    }
    boolean generationPrompt = chat && flag(fields, "add_generation_prompt", true);
    // A chat template writes its special tokens itself.
    boolean special = flag(fields, "add_special_tokens", !chat);
    boolean strings = fields.flag("return_token_strs");
    List<ChatMessage> messages = chat ? PromptFields.chat(fields).messages() : List.of();
    fields.refuseOthers(UnservedFields.NONE);
    ServedModel.Ready ready = ready(name, fields, scope);
    ModelText text = ready.text();
    int[] tokens;
    try {
      tokens =
          chat
              ? text.encodeChat(messages, generationPrompt, special)
              : text.encode(prompt, special);
    } catch (IllegalArgumentException refused) {
      throw ApiException.invalidValue("messages", refused.getMessage());
    }
    return new OpenAiDocuments.Tokenized(
        tokens.length,
        ready.maxContextTokens(),
        tokens,
        strings ? IntStream.of(tokens).mapToObj(text::piece).toList() : null);
  }

  private OpenAiDocuments.Detokenized text(byte[] body, RequestScope scope) {
    RequestFields fields = new RequestFields(Json.parseObject(body), "");
    String name = fields.text("model");
    JsonNode value = fields.get("tokens");
    if (value == null) {
      throw fields.missing("tokens");
    }
    if (!value.isArray()) {
      throw fields.wrongType("tokens", value, "an array of token ids");
    }
    fields.refuseOthers(UnservedFields.NONE);
    ModelText text = ready(name, fields, scope).text();
    int[] tokens = new int[value.size()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = (int) fields.integer("tokens", value.get(i), 0, text.vocabularyCount() - 1L);
    }
    return new OpenAiDocuments.Detokenized(text.decode(tokens));
  }

  /** The model may be left out where there is only one, as with vLLM. */
  private ServedModel.Ready ready(String name, RequestFields fields, RequestScope scope) {
    if (name == null && models.all().size() > 1) {
      throw fields.missing("model");
    }
    return models.select(name == null ? models.first().id() : name, scope).orThrow();
  }

  private static boolean flag(RequestFields fields, String name, boolean otherwise) {
    return fields.get(name) == null ? otherwise : fields.flag(name);
  }

  private static HttpResponse answer(Object document, RequestScope scope) {
    HttpResponse response =
        HttpResponse.create().withEntity(ContentTypes.APPLICATION_JSON, Json.write(document));
    scope.end();
    return response;
  }
}
