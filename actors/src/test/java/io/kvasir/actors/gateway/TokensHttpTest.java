package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** /tokenize and /detokenize over HTTP, in vLLM's shapes. */
final class TokensHttpTest {
  private static ActorTestKit kit;
  private static TestNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node = TestNode.start(kit, "kvasir.runtime.aliases = [nick]");
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.path(i).intValue();
    }
    return values;
  }

  private static JsonNode ok(HttpResponse<String> response) throws Exception {
    assertEquals(200, response.statusCode(), response.body());
    assertTrue(response.headers().firstValue("x-request-id").isPresent());
    return TestNode.json(response.body());
  }

  @Test
  void shouldTokenizeAPrompt() throws Exception {
    JsonNode plain = ok(node.post("/tokenize", "{\"model\":\"nick\",\"prompt\":\"hé\"}"));
    assertArrayEquals(new int[] {104, 195, 169}, ints(plain.path("tokens")));
    assertEquals(3, plain.path("count").asInt());
    assertEquals(1000, plain.path("max_model_len").asInt());
    assertTrue(plain.path("token_strs").isNull());
    JsonNode strings = ok(node.post("/tokenize", "{\"prompt\":\"hi\",\"return_token_strs\":true}"));
    assertEquals("[\"b104\",\"b105\"]", strings.path("token_strs").toString());
    assertEquals(0, ok(node.post("/tokenize", "{\"prompt\":\"\"}")).path("count").asInt());
  }

  @Test
  void shouldTokenizeMessagesWithAndWithoutTheAnswersBeginning() throws Exception {
    String chat = "{\"model\":\"fake\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]%s}";
    assertArrayEquals(
        ByteText.tokens("user:hi\nassistant:"),
        ints(ok(node.post("/tokenize", chat.formatted(""))).path("tokens")));
    assertArrayEquals(
        ByteText.tokens("user:hi\n"),
        ints(
            ok(node.post("/tokenize", chat.formatted(",\"add_generation_prompt\":false")))
                .path("tokens")));
  }

  @Test
  void shouldDetokenizeWholeCharactersAndControlTokens() throws Exception {
    JsonNode text =
        ok(node.post("/detokenize", "{\"model\":\"fake\",\"tokens\":[104,195,169,256]}"));
    assertEquals("hé<end>", text.path("prompt").asText());
    assertEquals("", ok(node.post("/detokenize", "{\"tokens\":[]}")).path("prompt").asText());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "/tokenize   | {\"model\":\"gpt-9\",\"prompt\":\"a\"}        | 404 | model |"
            + " model_not_found",
        "/tokenize   | {\"model\":7,\"prompt\":\"a\"}                | 400 | model | invalid_type",
        "/tokenize   | {\"model\":\"fake\"}                          | 400 | prompt |"
            + " missing_field",
        "/tokenize   | {\"prompt\":[1]}                              | 400 | prompt | invalid_type",
        "/tokenize   | {\"prompt\":\"a\",\"messages\":[]}            | 400 | messages |"
            + " invalid_value",
        "/tokenize   | {\"messages\":[]}                             | 400 | messages |"
            + " invalid_value",
        "/tokenize   | {\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]} | 400 | messages"
            + " | invalid_value",
        "/tokenize   | {\"prompt\":\"a\",\"add_special_tokens\":1}   | 400 | add_special_tokens |"
            + " invalid_type",
        "/tokenize   | {\"prompt\":\"a\",\"add_generation_prompt\":true} | 400 |"
            + " add_generation_prompt | unknown_field",
        "/tokenize   | {\"prompt\":\"a\",\"chat_template\":\"x\"}    | 400 | chat_template |"
            + " unknown_field",
        "/detokenize | {\"model\":\"fake\"}                          | 400 | tokens |"
            + " missing_field",
        "/detokenize | {\"tokens\":\"a\"}                            | 400 | tokens | invalid_type",
        "/detokenize | {\"tokens\":[1.5]}                            | 400 | tokens | invalid_type",
        "/detokenize | {\"tokens\":[257]}                            | 400 | tokens |"
            + " invalid_value",
        "/detokenize | {\"tokens\":[-1]}                             | 400 | tokens |"
            + " invalid_value",
        "/detokenize | {\"tokens\":[1],\"skip\":1}                   | 400 | skip | unknown_field",
        "/detokenize | nonsense                                      | 400 |  | invalid_json",
      })
  void shouldRefuseByName(String path, String body, int status, String param, String code)
      throws Exception {
    HttpResponse<String> response = node.post(path, body);
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = TestNode.json(response.body()).path("error");
    assertEquals(code, error.path("code").asText(), response.body());
    assertEquals(param, error.path("param").isNull() ? null : error.path("param").asText());
    assertFalse(error.path("message").asText().isBlank());
  }

  @Test
  void shouldTakeOnlyPosts() throws Exception {
    HttpResponse<String> get = node.get("/tokenize");
    assertEquals(405, get.statusCode());
    assertEquals("POST", get.headers().firstValue("allow").orElseThrow());
  }

  @Test
  void shouldComeBackToTheSameTextWithARealTokenizer() throws Exception {
    try (RealNode real = RealNode.startReady(kit, "")) {
      String ids = "[50,61,72,83,94,105,116,127]";
      String text =
          real.ask(
                  "/detokenize",
                  "{\"model\":\"%s\",\"tokens\":%s}".formatted(RealNode.FACTBOOK, ids))
              .path("prompt")
              .asText();
      JsonNode tokens =
          real.ask(
              "/tokenize",
              TestNode.JSON
                  .createObjectNode()
                  .put("model", RealNode.FACTBOOK)
                  .put("prompt", text)
                  .put("add_special_tokens", false)
                  .put("return_token_strs", true)
                  .toString());
      assertEquals(ids, tokens.path("tokens").toString(), text);
      assertEquals(8, tokens.path("count").asInt());
      List<String> words = new ArrayList<>();
      tokens.path("token_strs").forEach(piece -> words.add(piece.asText()));
      assertEquals(List.of(text.strip().split(" +")), words);
    }
  }
}
