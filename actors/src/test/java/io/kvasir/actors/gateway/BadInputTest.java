package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every refusal is one OpenAI-shaped sentence, and the node goes on. */
final class BadInputTest {
  private static ActorTestKit kit;
  private static TestNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node = TestNode.start(kit, "");
    node.answerWith("fine");
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  @AfterEach
  void shouldStillServe() throws Exception {
    assertEquals(200, node.chat("").statusCode());
    node.submitted();
  }

  private static JsonNode assertError(
      HttpResponse<String> response, int status, String code, String param) throws Exception {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = TestNode.json(response.body()).path("error");
    for (String field : new String[] {"message", "type", "param", "code"}) {
      assertTrue(error.has(field), field + " is missing in " + response.body());
    }
    assertEquals(code, error.path("code").asText(), response.body());
    assertEquals(param, error.path("param").isNull() ? null : error.path("param").asText());
    assertFalse(error.path("message").asText().isBlank());
    return error;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "\"temperature\":-0.1            | temperature        | invalid_value",
        "\"temperature\":1e999           | temperature        | invalid_value",
        "\"temperature\":\"hot\"         | temperature        | invalid_type",
        "\"top_p\":0                     | top_p              | invalid_value",
        "\"top_p\":1.5                   | top_p              | invalid_value",
        "\"top_k\":-2                    | top_k              | invalid_value",
        "\"top_k\":1.5                   | top_k              | invalid_type",
        "\"min_p\":2                     | min_p              | invalid_value",
        "\"seed\":99999999999999999999   | seed               | invalid_value",
        "\"max_tokens\":0                | max_tokens         | invalid_value",
        "\"max_tokens\":5,\"min_tokens\":6 | min_tokens       | invalid_value",
        "\"max_tokens\":5,\"max_completion_tokens\":6 | max_tokens | invalid_value",
        "\"stop\":[1]                    | stop               | invalid_type",
        "\"stop\":\"\"                   | stop               | invalid_value",
        "\"stop_token_ids\":[257]        | stop_token_ids     | invalid_value",
        "\"stop_token_ids\":5            | stop_token_ids     | invalid_type",
        "\"stream\":\"yes\"              | stream             | invalid_type",
        "\"stream_options\":{}           | stream_options     | invalid_value",
        "\"stream\":true,\"stream_options\":{\"x\":1} | stream_options.x | unknown_field",
        "\"kvasir\":{\"x\":1}            | kvasir.x           | unknown_field",
        "\"kvasir\":{\"timeout_ms\":0}   | kvasir.timeout_ms  | invalid_value",
        "\"kvasir\":7                    | kvasir             | invalid_type",
        "\"n\":129                       | n                  | invalid_value",
        "\"n\":0                         | n                  | invalid_value",
        "\"tools\":[{\"type\":\"function\"}] | tools          | unsupported_field",
        "\"response_format\":{\"type\":\"xml\"} | response_format.type | invalid_value",
        "\"response_format\":{\"type\":\"json_schema\"} | response_format.json_schema |"
            + " missing_field",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\"}} |"
            + " response_format.json_schema.schema | missing_field",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
            + "{\"type\":\"objekt\"}}} | response_format.json_schema.schema | invalid_grammar",
        "\"guided_regex\":\"(\"          | guided_regex       | invalid_grammar",
        "\"guided_regex\":7              | guided_regex       | invalid_type",
        "\"guided_choice\":[]            | guided_choice      | invalid_value",
        "\"guided_choice\":[1]           | guided_choice      | invalid_type",
        "\"guided_json\":[]              | guided_json        | invalid_type",
        "\"guided_json\":{},\"guided_regex\":\"a\" | guided_regex | invalid_value",
        "\"guided_grammar\":\"root\"     | guided_grammar     | unsupported_field",
        "\"structured_outputs\":{\"grammar\":\"x\"} | structured_outputs.grammar |"
            + " unsupported_field",
        "\"logprobs\":3                  | logprobs           | invalid_type",
        "\"top_logprobs\":2              | top_logprobs       | invalid_value",
        "\"logprobs\":true,\"top_logprobs\":21 | top_logprobs | invalid_value",
        "\"prompt_logprobs\":-1          | prompt_logprobs    | invalid_value",
        "\"stream\":true,\"prompt_logprobs\":0 | prompt_logprobs | invalid_value",
        "\"max_tokens\":900,\"n\":128,\"logprobs\":true,\"top_logprobs\":20 | max_tokens |"
            + " invalid_value",
        "\"frequency_penalty\":2.5       | frequency_penalty  | invalid_value",
        "\"presence_penalty\":-2.5       | presence_penalty   | invalid_value",
        "\"repetition_penalty\":0        | repetition_penalty | invalid_value",
        "\"typical_p\":0                 | typical_p          | invalid_value",
        "\"logit_bias\":{\"1\":101}      | logit_bias.1       | invalid_value",
        "\"logit_bias\":{\"a\":1}        | logit_bias         | invalid_value",
        "\"logit_bias\":{\"257\":1}      | logit_bias         | invalid_value",
        "\"ignore_eos\":1                | ignore_eos         | invalid_type",
        "\"include_stop_str_in_output\":1 | include_stop_str_in_output | invalid_type",
        "\"metadata\":{\"a\":1}          | metadata.a         | invalid_type",
        "\"service_tier\":\"flex\"       | service_tier       | unsupported_field",
        "\"store\":true                  | store              | unsupported_field",
        "\"reasoning_effort\":\"high\"   | reasoning_effort   | unsupported_field",
        "\"best_of\":1                   | best_of            | unknown_field",
        "\"temprature\":1                | temprature         | unknown_field",
      })
  void shouldRefuseAFieldOfAChatByName(String fields, String param, String code) throws Exception {
    assertError(node.chat(fields), 400, code, param);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"model\":\"fake\"}                                   | messages | missing_field",
        "{\"model\":\"fake\",\"messages\":[]}                   | messages | invalid_value",
        "{\"model\":\"fake\",\"messages\":{}}                   | messages | invalid_type",
        "{\"model\":\"fake\",\"messages\":[7]}                  | messages[0] | invalid_type",
        "{\"model\":\"fake\",\"messages\":[{\"content\":\"x\"}]} | messages[0].role |"
            + " missing_field",
        "{\"model\":\"fake\",\"messages\":[{\"role\":\"user\"}]} | messages[0].content |"
            + " missing_field",
        "{\"model\":\"fake\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]} |"
            + " messages[0].role | invalid_value",
        "{\"model\":\"fake\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"name\":\"n\"}]} |"
            + " messages[0].name | unsupported_field",
        "{\"model\":\"fake\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}"
            + " | messages[0].content[0].type | unsupported_field",
        "{\"model\":\"fake\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]} | messages"
            + " | invalid_value",
        "{\"model\":7,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]} | model | invalid_type",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]} | model | missing_field",
      })
  void shouldRefuseMessagesThatCannotBeRendered(String body, String param, String code)
      throws Exception {
    assertError(node.post("/v1/chat/completions", body), 400, code, param);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"model\":\"fake\"}                       | prompt | missing_field",
        "{\"model\":\"fake\",\"prompt\":\"\"}       | prompt | invalid_value",
        "{\"model\":\"fake\",\"prompt\":[]}         | prompt | invalid_value",
        "{\"model\":\"fake\",\"prompt\":[1,-1]}     | prompt | invalid_value",
        "{\"model\":\"fake\",\"prompt\":[1,257]}    | prompt | invalid_value",
        "{\"model\":\"fake\",\"prompt\":[1,\"a\"]}  | prompt | invalid_type",
        "{\"model\":\"fake\",\"prompt\":[\"a\",7]} | prompt | invalid_type",
        "{\"model\":\"fake\",\"prompt\":[[1],[]]} | prompt | invalid_value",
        "{\"model\":\"fake\",\"prompt\":[\"a\",\"b\"],\"n\":65} | prompt | invalid_value",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"n\":3,\"best_of\":2} | best_of | invalid_value",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"best_of\":2,\"stream\":true} | best_of |"
            + " invalid_value",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"max_tokens\":0} | max_tokens | invalid_value",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"logprobs\":true} | logprobs | invalid_type",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"suffix\":\"b\"} | suffix | unsupported_field",
        "{\"model\":\"fake\",\"prompt\":{}}         | prompt | invalid_type",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"echo\":1} | echo | invalid_type",
        "{\"model\":\"fake\",\"prompt\":\"a\",\"tools\":[]} | tools | unknown_field",
      })
  void shouldRefusePromptsThatCannotBeTaken(String body, String param, String code)
      throws Exception {
    assertError(node.post("/v1/completions", body), 400, code, param);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "7",
        "nonsense",
        "{\"model\":\"fake\"} trailing",
        "{\"model\":\"fake\",\"model\":\"fake\"}",
        "{\"temperature\":NaN}"
      })
  void shouldRefuseWhatIsNotOneJsonObject(String body) throws Exception {
    assertError(node.post("/v1/chat/completions", body), 400, "invalid_json", null);
  }

  @Test
  void shouldRefuseDeepNestingAndBrokenUtf8() throws Exception {
    String deep = "{\"messages\":" + "[".repeat(30_000);
    assertError(node.post("/v1/chat/completions", deep), 400, "invalid_json", null);
    byte[] broken = TestNode.chatBody("").getBytes(java.nio.charset.StandardCharsets.UTF_8);
    broken[broken.length - 5] = (byte) 0xC3;
    HttpResponse<String> response =
        node.http.send(
            node.request("/v1/chat/completions")
                .POST(HttpRequest.BodyPublishers.ofByteArray(broken))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertError(response, 400, "invalid_json", null);
  }

  @Test
  void shouldRefuseABodyBeyondTheLimitWhetherOrNotItsLengthIsDeclared() throws Exception {
    byte[] big = TestNode.chatBody("\"user\":\"" + "x".repeat(70_000) + "\"").getBytes();
    for (HttpRequest.BodyPublisher body :
        new HttpRequest.BodyPublisher[] {
          HttpRequest.BodyPublishers.ofByteArray(big),
          HttpRequest.BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(big))
        }) {
      HttpResponse<String> response =
          node.http.send(
              node.request("/v1/chat/completions").POST(body).build(),
              HttpResponse.BodyHandlers.ofString());
      JsonNode error = assertError(response, 413, "body_too_large", null);
      assertTrue(error.path("message").asText().contains("65536 bytes"));
    }
  }

  @Test
  void shouldNameTheNumbersOfAContextOverflow() throws Exception {
    JsonNode error =
        assertError(node.complete("\"max_tokens\":999"), 400, "context_length_exceeded", "prompt");
    String message = error.path("message").asText();
    assertTrue(message.contains("1000 tokens"), message);
    assertTrue(message.contains("1001 (2 in the prompt, 999 for the answer)"), message);
    assertError(
        node.post(
            "/v1/completions", "{\"model\":\"fake\",\"prompt\":\"" + "x".repeat(1000) + "\"}"),
        400,
        "context_length_exceeded",
        "prompt");
  }

  @Test
  void shouldRefuseAnUnknownModelUrlAndMethod() throws Exception {
    JsonNode error =
        assertError(
            node.post(
                "/v1/chat/completions",
                "{\"model\":\"gpt-9\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"),
            404,
            "model_not_found",
            "model");
    assertTrue(error.path("message").asText().contains("gpt-9"));
    assertError(node.get("/v1/models/gpt-9"), 404, "model_not_found", "model");
    assertError(node.get("/v2/nothing"), 404, "unknown_url", null);
    HttpResponse<String> get = node.get("/v1/chat/completions");
    assertError(get, 405, "method_not_allowed", null);
    assertEquals("POST", get.headers().firstValue("allow").orElseThrow());
    assertError(node.post("/v1/models", "{}"), 405, "method_not_allowed", null);
  }
}
