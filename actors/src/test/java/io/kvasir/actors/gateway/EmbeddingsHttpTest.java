package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.Pooling;
import io.kvasir.runtime.engine.TokenStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** /v1/embeddings of real models over HTTP. */
final class EmbeddingsHttpTest {
  private static final String PATH = "/v1/embeddings";

  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static RealNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node =
        RealNode.startReady(
            kit,
            """
            kvasir.runtime.models = [
              { model = "%s", served-name = last },
              { model = "embedded:factbook", served-name = mean, pooling = mean }
            ]
            """
                .formatted(RealNode.tiny(folder)));
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  private static String body(String model, String input, String more) {
    return "{\"model\":\"%s\",\"input\":%s%s}".formatted(model, input, more);
  }

  private static float[] floats(JsonNode embedding) {
    if (embedding.isTextual()) {
      ByteBuffer bytes =
          ByteBuffer.wrap(Base64.getDecoder().decode(embedding.textValue()))
              .order(ByteOrder.LITTLE_ENDIAN);
      float[] values = new float[bytes.remaining() / 4];
      bytes.asFloatBuffer().get(values);
      return values;
    }
    float[] values = new float[embedding.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = embedding.path(i).floatValue();
    }
    return values;
  }

  private static float[] vector(JsonNode answer, int index) {
    assertEquals(index, answer.path("data").path(index).path("index").asInt());
    assertEquals("embedding", answer.path("data").path(index).path("object").asText());
    return floats(answer.path("data").path(index).path("embedding"));
  }

  /** Past HTTP and actors: the engine's own vector, whose values gpu-runtime's tests prove. */
  private static float[] direct(String model, Pooling pooling, int... tokens) throws Exception {
    GenerationEngine engine =
        node.server.ready(model).toCompletableFuture().get(60, TimeUnit.SECONDS).engine();
    CountDownLatch ended = new CountDownLatch(1);
    TokenStream stream = TokenStream.pooling(pooling, ended::countDown);
    long id = -1 - tokens.length;
    assertEquals(null, engine.submit(GenerationRequest.pooling(id, "x", tokens, 0, stream)));
    assertTrue(ended.await(60, TimeUnit.SECONDS));
    return stream.pooled().vector();
  }

  @Test
  void shouldGiveTheEnginesVectorsInEveryFormOfInput() throws Exception {
    float[] last = direct("last", Pooling.LAST, 5, 6, 7);
    float[] mean = direct("mean", Pooling.MEAN, 5, 6, 7);
    assertEquals(64, last.length);
    for (String more :
        List.of("", ",\"encoding_format\":\"float\"", ",\"encoding_format\":\"base64\"")) {
      assertArrayEquals(last, vector(node.ask(PATH, body("last", "[5,6,7]", more)), 0), more);
      assertArrayEquals(mean, vector(node.ask(PATH, body("mean", "[5,6,7]", more)), 0), more);
    }
    JsonNode several = node.ask(PATH, body("last", "[[8],[5,6,7],\"a b\"]", ",\"user\":\"u\""));
    assertEquals("list", several.path("object").asText());
    assertEquals("last", several.path("model").asText());
    assertEquals(3, several.path("data").size());
    assertArrayEquals(last, vector(several, 1));
    assertArrayEquals(direct("last", Pooling.LAST, 8), vector(several, 0));
    JsonNode text = node.ask("/tokenize", "{\"model\":\"last\",\"prompt\":\"a b\"}");
    int[] tokens =
        IntStream.range(0, text.path("count").asInt())
            .map(i -> text.path("tokens").path(i).asInt())
            .toArray();
    assertArrayEquals(direct("last", Pooling.LAST, tokens), vector(several, 2));
    JsonNode usage = several.path("usage");
    assertEquals(4 + tokens.length, usage.path("prompt_tokens").asInt());
    assertEquals(4 + tokens.length, usage.path("total_tokens").asInt());
    JsonNode source = usage.path("kvasir");
    assertEquals(
        4 + tokens.length,
        source.path("device_hit_tokens").asInt() + source.path("recomputed_tokens").asInt());
  }

  @Test
  void shouldNotDependOnCompanyNorOnTheCache() throws Exception {
    List<float[]> alone = new ArrayList<>();
    List<String> inputs = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int seed = i;
      String input =
          IntStream.range(0, 1 + i * 5)
              .mapToObj(k -> Integer.toString((seed * 131 + k * 17) % 1000))
              .toList()
              .toString();
      inputs.add(input);
      alone.add(vector(node.ask(PATH, body("last", input, "")), 0));
    }
    // The same tokens as a conversation's prompt: its blocks are cached now.
    node.ask(
        "/v1/completions",
        "{\"model\":\"last\",\"prompt\":%s,\"max_tokens\":2}".formatted(inputs.get(39)));
    CompletableFuture<HttpResponse<String>> answer =
        node.send("/v1/completions", "{\"model\":\"last\",\"prompt\":[1,2,3],\"max_tokens\":200}");
    JsonNode all = node.ask(PATH, body("last", inputs.toString(), ""));
    for (int i = 0; i < alone.size(); i++) {
      assertArrayEquals(alone.get(i), vector(all, i), "input " + i);
    }
    assertTrue(all.path("usage").path("prompt_tokens_details").path("cached_tokens").asInt() > 0);
    assertEquals(200, answer.get(60, TimeUnit.SECONDS).statusCode());
  }

  @Test
  void shouldCutDimensionsAndScaleToLengthOne() throws Exception {
    float[] whole = vector(node.ask(PATH, body("last", "[5,6,7]", "")), 0);
    float[] cut = vector(node.ask(PATH, body("last", "[5,6,7]", ",\"dimensions\":10")), 0);
    assertEquals(10, cut.length);
    double squares = 0;
    double head = 0;
    for (int i = 0; i < 10; i++) {
      squares += (double) cut[i] * cut[i];
      head += (double) whole[i] * whole[i];
    }
    assertEquals(1, squares, 1e-6);
    for (int i = 0; i < 10; i++) {
      assertEquals(whole[i] / Math.sqrt(head), cut[i], 1e-6);
    }
  }

  @Test
  void shouldAnswerTheOfficialClient() throws Exception {
    OpenAIClient client =
        OpenAIOkHttpClient.builder().baseUrl(node.server.url() + "/v1").apiKey("any").build();
    try {
      CreateEmbeddingResponse answer =
          client
              .embeddings()
              .create(
                  EmbeddingCreateParams.builder()
                      .model("last")
                      .inputOfArrayOfTokenArrays(List.of(List.of(5L, 6L, 7L), List.of(8L)))
                      .build());
      assertEquals(2, answer.data().size());
      assertEquals(4, answer.usage().promptTokens());
      float[] expected = direct("last", Pooling.LAST, 5, 6, 7);
      List<Float> got = answer.data().getFirst().embedding();
      assertEquals(expected.length, got.size());
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], got.get(i));
      }
      CreateEmbeddingResponse cut =
          client
              .embeddings()
              .create(
                  EmbeddingCreateParams.builder()
                      .model("mean")
                      .input("The ship sank.")
                      .encodingFormat(EmbeddingCreateParams.EncodingFormat.FLOAT)
                      .dimensions(7)
                      .build());
      assertEquals(7, cut.data().getFirst().embedding().size());
    } finally {
      client.close();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"input\":\"a\"}                                          | model | missing_field",
        "{\"model\":\"last\"}                                       | input | missing_field",
        "{\"model\":\"last\",\"input\":null}                        | input | missing_field",
        "{\"model\":\"last\",\"input\":\"\"}                        | input | invalid_value",
        "{\"model\":\"last\",\"input\":[]}                          | input | invalid_value",
        "{\"model\":\"last\",\"input\":[[]]}                        | input | invalid_value",
        "{\"model\":\"last\",\"input\":[\"a\",\"\"]}                | input[1] | invalid_value",
        "{\"model\":\"last\",\"input\":{}}                          | input | invalid_type",
        "{\"model\":\"last\",\"input\":[true]}                      | input[0] | invalid_type",
        "{\"model\":\"last\",\"input\":[1,\"a\"]}                   | input | invalid_type",
        "{\"model\":\"last\",\"input\":[1,-2]}                      | input | invalid_value",
        "{\"model\":\"last\",\"input\":[999999]}                    | input | invalid_value",
        "{\"model\":\"last\",\"input\":\"a\",\"encoding_format\":\"int8\"} | encoding_format |"
            + " invalid_value",
        "{\"model\":\"last\",\"input\":\"a\",\"dimensions\":0}      | dimensions | invalid_value",
        "{\"model\":\"last\",\"input\":\"a\",\"dimensions\":65}     | dimensions | invalid_value",
        "{\"model\":\"last\",\"input\":\"a\",\"dimensions\":\"x\"}  | dimensions | invalid_type",
        "{\"model\":\"last\",\"input\":\"a\",\"temperature\":1}     | temperature | unknown_field",
        "{\"model\":\"last\",\"input\":\"a\",\"kvasir\":{\"x\":1}}  | kvasir.x | unknown_field",
      })
  void shouldRefuseByName(String body, String param, String code) throws Exception {
    assertError(node.post(PATH, body), 400, param, code);
  }

  private static String assertError(
      HttpResponse<String> response, int status, String param, String code) throws Exception {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = TestNode.json(response.body()).path("error");
    assertEquals(code, error.path("code").asText(), response.body());
    assertEquals(param, error.path("param").isNull() ? null : error.path("param").asText());
    return error.path("message").asText();
  }

  @Test
  void shouldNameTheNumbersOfWhatIsTooMuch() throws Exception {
    assertError(node.post(PATH, body("gpt-9", "\"a\"", "")), 404, "model", "model_not_found");
    String ids = IntStream.range(0, 257).mapToObj(i -> "7").toList().toString();
    String context =
        assertError(
            node.post(PATH, body("last", "[[1]," + ids + "]", "")),
            400,
            "input[1]",
            "context_length_exceeded");
    assertEquals("the context is 256 tokens, input[1] has 257, shorten it", context);
    String many = "\"x\",".repeat(2048) + "\"x\"";
    String inputs =
        assertError(
            node.post(PATH, body("last", "[" + many + "]", "")), 400, "input", "invalid_value");
    assertTrue(inputs.startsWith("input has 2049 entries, the limit is 2048"), inputs);
    // The whole context is no overflow: an embedding generates nothing.
    JsonNode whole = node.ask(PATH, body("last", ids.replaceFirst("7, ", ""), ""));
    assertEquals(256, whole.path("usage").path("prompt_tokens").asInt());
  }
}
