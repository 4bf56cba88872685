package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.StructuredChatCompletionCreateParams;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenAI's own Java client against a node with a key. */
final class OpenAiJavaClientTest {
  /** What a typed answer is parsed into. */
  public static final class Animal {
    /** Kinds that there are. */
    public enum Kind {
      CAT,
      DOG
    }

    public Kind kind;
    public boolean tame;
  }

  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static SmallNode node;
  private static OpenAIClient client;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node = SmallNode.start(kit, folder, "", true);
    client = client(node.key);
  }

  @AfterAll
  static void stop() {
    client.close();
    node.close();
    kit.shutdownTestKit();
  }

  private static OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder()
        .apiKey(key)
        .baseUrl(node.server.url() + "/v1")
        .maxRetries(0)
        .timeout(Duration.ofSeconds(60))
        .build();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model(SmallNode.MODEL)
        .addUserMessage("hi")
        .maxCompletionTokens(10)
        .putAdditionalBodyProperty("seed", JsonValue.from(1))
        .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true));
  }

  @Test
  void shouldListTheModel() {
    List<Model> models = client.models().list().data();
    assertEquals(List.of(SmallNode.MODEL), models.stream().map(Model::id).toList());
    assertEquals(SmallNode.MODEL, client.models().retrieve(SmallNode.MODEL).id());
  }

  @Test
  void shouldChatWithSeveralChoicesAndLogprobs() {
    ChatCompletion answer =
        client
            .chat()
            .completions()
            .create(chat().n(3).logprobs(true).topLogprobs(2).build())
            .validate();
    assertEquals(3, answer.choices().size());
    for (ChatCompletion.Choice choice : answer.choices()) {
      assertEquals(ChatCompletion.Choice.FinishReason.LENGTH, choice.finishReason());
      assertTrue(choice.message().content().isPresent());
      var tokens = choice.logprobs().orElseThrow().content().orElseThrow();
      assertEquals(10, tokens.size());
      tokens.forEach(token -> assertEquals(2, token.topLogprobs().size()));
    }
    assertEquals(30, answer.usage().orElseThrow().completionTokens());
    assertTrue(answer.usage().orElseThrow().promptTokensDetails().isPresent());
  }

  @Test
  void shouldStreamAChatThatAddsUpToTheWholeOne() {
    ChatCompletion whole = client.chat().completions().create(chat().n(2).build());
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    ChatCompletionCreateParams params =
        chat()
            .n(2)
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(params)) {
      stream.stream().map(ChatCompletionChunk::validate).forEach(accumulator::accumulate);
    }
    ChatCompletion sum = accumulator.chatCompletion();
    assertEquals(2, sum.choices().size());
    for (ChatCompletion.Choice choice : sum.choices()) {
      assertEquals(
          whole.choices().get((int) choice.index()).message().content(),
          choice.message().content());
    }
    assertEquals(20, sum.usage().orElseThrow().completionTokens());
  }

  /** Not validated: the client's own check does not know the null of a prompt's first token. */
  @Test
  void shouldCompleteTextsOfSeveralPrompts() {
    Completion answer =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(SmallNode.MODEL)
                    .promptOfArrayOfStrings(List.of("one", "two"))
                    .echo(true)
                    .logprobs(1)
                    .bestOf(3)
                    .maxTokens(4)
                    .build());
    List<CompletionChoice> choices = answer.choices();
    assertEquals(2, choices.size());
    assertTrue(choices.get(0).text().startsWith("one"));
    assertTrue(choices.get(1).text().startsWith("two"));
    CompletionChoice.Logprobs logprobs = choices.get(0).logprobs().orElseThrow();
    assertEquals(
        logprobs.tokens().orElseThrow().size(), logprobs.textOffset().orElseThrow().size());
  }

  @Test
  void shouldParseAnAnswerIntoAClass() {
    StructuredChatCompletionCreateParams<Animal> params =
        chat().maxCompletionTokens(200).responseFormat(Animal.class).build();
    Animal animal =
        client
            .chat()
            .completions()
            .create(params)
            .choices()
            .getFirst()
            .message()
            .content()
            .orElseThrow();
    assertNotNull(animal.kind);
  }

  @Test
  void shouldThrowWhatTheStatusSays() {
    OpenAIClient stranger = client("sk-unknown");
    UnauthorizedException key =
        assertThrows(
            UnauthorizedException.class,
            () -> stranger.chat().completions().create(chat().build()));
    stranger.close();
    assertEquals("invalid_api_key", key.code().orElseThrow());
    NotFoundException model =
        assertThrows(
            NotFoundException.class,
            () -> client.chat().completions().create(chat().model("gpt-9").build()));
    assertEquals("model_not_found", model.code().orElseThrow());
    assertTrue(model.getMessage().contains("gpt-9"), model.getMessage());
    BadRequestException field =
        assertThrows(
            BadRequestException.class,
            () -> client.chat().completions().create(chat().n(1000).build()));
    assertEquals("n", field.param().orElseThrow());
    BadRequestException unknown =
        assertThrows(
            BadRequestException.class,
            () ->
                client
                    .chat()
                    .completions()
                    .create(
                        chat().putAdditionalBodyProperty("nonsense", JsonValue.from(1)).build()));
    assertTrue(unknown.getMessage().contains("nonsense"), unknown.getMessage());
    BadRequestException schema =
        assertThrows(
            BadRequestException.class,
            () ->
                client
                    .chat()
                    .completions()
                    .create(
                        chat()
                            .putAdditionalBodyProperty(
                                "guided_json", JsonValue.from(Map.of("type", "objekt")))
                            .build()));
    assertEquals("guided_json", schema.param().orElseThrow());
  }
}
