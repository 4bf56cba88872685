package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.AuthenticationException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiChatResponseMetadata;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** LangChain4j's OpenAI models against a node with a key. */
final class LangChain4jTest {
  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static SmallNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node = SmallNode.start(kit, folder, "", true);
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  private static OpenAiChatModel.OpenAiChatModelBuilder model() {
    return OpenAiChatModel.builder()
        .baseUrl(node.server.url() + "/v1")
        .apiKey(node.key)
        .modelName(SmallNode.MODEL)
        .maxRetries(0)
        .seed(1)
        .timeout(Duration.ofSeconds(60));
  }

  private static ChatResponse ask(OpenAiChatModel model) {
    return model.chat(UserMessage.from("hi"));
  }

  @Test
  void shouldChatAndTellTheUsage() {
    ChatResponse answer =
        ask(model().maxTokens(6).customParameters(Map.of("ignore_eos", true)).build());
    assertEquals(FinishReason.LENGTH, answer.finishReason());
    assertEquals(6, answer.tokenUsage().outputTokenCount());
    assertEquals(SmallNode.MODEL, answer.metadata().modelName());
  }

  @Test
  void shouldReadLogprobs() {
    ChatResponse answer =
        ask(
            model()
                .maxTokens(5)
                .logprobs(true)
                .topLogprobs(2)
                .customParameters(Map.of("ignore_eos", true))
                .build());
    OpenAiChatResponseMetadata metadata =
        assertInstanceOf(OpenAiChatResponseMetadata.class, answer.metadata());
    assertEquals(5, metadata.logProbs().size());
  }

  @Test
  void shouldStreamTheSameAsItAnswersWhole() throws Exception {
    Map<String, Object> extra = Map.of("guided_choice", List.of("héllo €"));
    CompletableFuture<ChatResponse> end = new CompletableFuture<>();
    StringBuffer text = new StringBuffer();
    OpenAiStreamingChatModel.builder()
        .baseUrl(node.server.url() + "/v1")
        .apiKey(node.key)
        .modelName(SmallNode.MODEL)
        .customParameters(extra)
        .build()
        .chat(
            "hi",
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String part) {
                text.append(part);
              }

              @Override
              public void onCompleteResponse(ChatResponse whole) {
                end.complete(whole);
              }

              @Override
              public void onError(Throwable error) {
                end.completeExceptionally(error);
              }
            });
    ChatResponse streamed = end.get(60, TimeUnit.SECONDS);
    assertEquals("héllo €", text.toString());
    ChatResponse whole = ask(model().customParameters(extra).build());
    assertEquals(whole.aiMessage().text(), streamed.aiMessage().text());
    assertEquals(whole.tokenUsage().outputTokenCount(), streamed.tokenUsage().outputTokenCount());
  }

  @Test
  void shouldAnswerInJsonOfASchema() throws Exception {
    JsonSchema schema =
        JsonSchema.builder()
            .name("animal")
            .rootElement(
                JsonObjectSchema.builder()
                    .addEnumProperty("kind", List.of("cat", "dog"))
                    .addBooleanProperty("tame")
                    .required("kind", "tame")
                    .build())
            .build();
    ChatResponse answer =
        model()
            .strictJsonSchema(true)
            .build()
            .chat(
                ChatRequest.builder()
                    .messages(UserMessage.from("which animal?"))
                    .responseFormat(
                        ResponseFormat.builder()
                            .type(ResponseFormatType.JSON)
                            .jsonSchema(schema)
                            .build())
                    .build());
    JsonNode animal = TestNode.json(answer.aiMessage().text());
    assertTrue(Set.of("cat", "dog").contains(animal.path("kind").asText()), animal.toString());
    assertTrue(animal.path("tame").isBoolean());
  }

  @Test
  void shouldThrowWhatTheStatusSays() {
    assertThrows(AuthenticationException.class, () -> ask(model().apiKey("sk-unknown").build()));
    ModelNotFoundException unknown =
        assertThrows(ModelNotFoundException.class, () -> ask(model().modelName("gpt-9").build()));
    assertTrue(unknown.getMessage().contains("gpt-9"), unknown.getMessage());
    InvalidRequestException field =
        assertThrows(InvalidRequestException.class, () -> ask(model().temperature(3.0).build()));
    assertTrue(field.getMessage().contains("temperature"), field.getMessage());
  }
}
