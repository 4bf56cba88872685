package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shape of each field of an answer on the wire, from a real engine. */
final class OpenAiWireTest {
  /** Spelled by a grammar of one choice: what a random model says is then known. */
  private static final String TEXT = "héllo wörld €";

  private static final String SAY = "\"guided_choice\":[\"" + TEXT + "\"],\"max_tokens\":60";
  @TempDir private static Path folder;
  private static ActorTestKit kit;
  private static SmallNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node = SmallNode.start(kit, folder, "", false);
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  @AfterEach
  void shouldHoldNothing() {
    assertEquals(0, node.settled().leases());
  }

  private static List<JsonNode> stream(String path, String body) throws Exception {
    List<String> events = TestNode.events(node.send(path, body).body());
    assertEquals("[DONE]", events.getLast());
    List<JsonNode> chunks = new ArrayList<>();
    for (String event : events.subList(0, events.size() - 1)) {
      chunks.add(TestNode.json(event));
    }
    return chunks;
  }

  private static String completion(String fields) {
    return "{\"model\":\"small\",\"prompt\":\"ab\"," + fields + "}";
  }

  private static JsonNode choice(JsonNode answer, int index) {
    JsonNode choice = answer.path("choices").path(index);
    assertEquals(index, choice.path("index").asInt());
    return choice;
  }

  private static void assertAccounts(JsonNode usage) {
    JsonNode kvasir = usage.path("kvasir");
    int hits = kvasir.path("device_hit_tokens").asInt();
    assertEquals(
        usage.path("prompt_tokens").asInt(), hits + kvasir.path("recomputed_tokens").asInt());
    assertEquals(hits, usage.path("prompt_tokens_details").path("cached_tokens").asInt());
    assertEquals(
        usage.path("total_tokens").asInt(),
        usage.path("prompt_tokens").asInt() + usage.path("completion_tokens").asInt());
  }

  @Test
  void shouldAnswerSeveralChoicesOfWhichTheFirstIsTheAnswerToOne() throws Exception {
    JsonNode one =
        node.complete("\"seed\":5,\"temperature\":1,\"max_tokens\":12,\"ignore_eos\":true");
    JsonNode four =
        node.complete("\"seed\":5,\"temperature\":1,\"max_tokens\":12,\"ignore_eos\":true,\"n\":4");
    assertEquals(4, four.path("choices").size());
    Set<String> texts = new HashSet<>();
    for (int i = 0; i < 4; i++) {
      texts.add(choice(four, i).path("text").asText());
      assertEquals("length", choice(four, i).path("finish_reason").asText());
    }
    assertEquals(choice(one, 0).path("text"), choice(four, 0).path("text"));
    assertEquals(4, texts.size());
    assertEquals(one.path("usage").path("prompt_tokens"), four.path("usage").path("prompt_tokens"));
    assertEquals(48, four.path("usage").path("completion_tokens").asInt());
    assertAccounts(four.path("usage"));
    assertTrue(four.path("system_fingerprint").asText().matches("fp_[0-9a-f]{32}"));
    assertEquals(one.path("system_fingerprint"), four.path("system_fingerprint"));
  }

  @Test
  void shouldStreamSeveralChoicesByIndexAsItAnswersThemWhole() throws Exception {
    String fields = "\"seed\":9,\"temperature\":1,\"max_tokens\":20,\"n\":3,\"ignore_eos\":true";
    JsonNode whole = node.chat(fields);
    String[] texts = {"", "", ""};
    String[] reasons = new String[3];
    List<Integer> order = new ArrayList<>();
    for (JsonNode chunk :
        stream(
            "/v1/chat/completions",
            SmallNode.chatBody(
                fields + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"))) {
      assertTrue(chunk.has("usage"), chunk.toString());
      if (chunk.path("choices").isEmpty()) {
        assertEquals(60, chunk.path("usage").path("completion_tokens").asInt());
        assertAccounts(chunk.path("usage"));
        continue;
      }
      assertTrue(chunk.path("usage").isNull());
      JsonNode choice = chunk.path("choices").path(0);
      int index = choice.path("index").asInt();
      order.add(index);
      texts[index] += choice.path("delta").path("content").asText();
      if (!choice.path("finish_reason").isNull()) {
        reasons[index] = choice.path("finish_reason").asText();
      }
    }
    for (int i = 0; i < 3; i++) {
      assertEquals(choice(whole, i).path("message").path("content").asText(), texts[i]);
      assertEquals("length", reasons[i]);
    }
    assertTrue(order.lastIndexOf(0) > order.indexOf(2), "choices did not interleave: " + order);
  }

  @Test
  void shouldReportTheTokensOfAChatWithTheirBytes() throws Exception {
    JsonNode answer = node.chat(SAY + ",\"logprobs\":true,\"top_logprobs\":2");
    JsonNode message = choice(answer, 0).path("message").path("content");
    assertEquals(TEXT, message.asText());
    assertEquals("stop", choice(answer, 0).path("finish_reason").asText());
    List<Byte> bytes = new ArrayList<>();
    for (JsonNode token : choice(answer, 0).path("logprobs").path("content")) {
      assertEquals(2, token.path("top_logprobs").size());
      assertTrue(token.path("logprob").asDouble() <= 0);
      double first = token.path("top_logprobs").path(0).path("logprob").asDouble();
      assertTrue(first >= token.path("top_logprobs").path(1).path("logprob").asDouble());
      assertEquals(1, token.path("bytes").size());
      bytes.add((byte) token.path("bytes").path(0).asInt());
      boolean ascii = token.path("bytes").path(0).asInt() < 128;
      assertEquals(!ascii, token.path("token").asText().startsWith("bytes:\\x"), token.toString());
    }
    byte[] all = new byte[bytes.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = bytes.get(i);
    }
    assertEquals(TEXT, new String(all, StandardCharsets.UTF_8));
  }

  @Test
  void shouldReportTheTokensOfACompletionWithTheirPlaceInTheText() throws Exception {
    JsonNode logprobs = choice(node.complete(SAY + ",\"logprobs\":3"), 0).path("logprobs");
    JsonNode tokens = logprobs.path("tokens");
    assertEquals(TEXT.getBytes(StandardCharsets.UTF_8).length, tokens.size());
    for (String name : List.of("token_logprobs", "top_logprobs", "text_offset")) {
      assertEquals(tokens.size(), logprobs.path(name).size(), name);
    }
    // h, the two bytes of é, l: counted in characters.
    List<Integer> offsets = new ArrayList<>();
    logprobs.path("text_offset").forEach(offset -> offsets.add(offset.asInt()));
    assertEquals(List.of(0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 12, 12), offsets);
    for (int i = 0; i < tokens.size(); i++) {
      JsonNode top = logprobs.path("top_logprobs").path(i);
      assertTrue(top.size() == 3 || top.size() == 4, top.toString());
      assertEquals(logprobs.path("token_logprobs").path(i), top.path(tokens.path(i).asText()));
    }
  }

  @Test
  void shouldTellNothingOfAStopStringNeitherInTextNorInTokens() throws Exception {
    for (boolean streamed : new boolean[] {false, true}) {
      // Begins within the text, ends at a character of two bytes.
      String fields = SAY + ",\"logprobs\":0,\"stop\":[\" wö\",\"never\"]";
      StringBuilder text = new StringBuilder();
      StringBuilder tokens = new StringBuilder();
      List<JsonNode> documents =
          streamed
              ? stream("/v1/completions", completion(fields + ",\"stream\":true"))
              : List.of(node.complete(fields));
      for (JsonNode document : documents) {
        JsonNode choice = choice(document, 0);
        text.append(choice.path("text").asText());
        choice.path("logprobs").path("tokens").forEach(token -> tokens.append(token.asText()));
      }
      assertEquals("héllo", text.toString());
      assertEquals("hbytes:\\xc3bytes:\\xa9llo", tokens.toString());
      assertEquals("stop", choice(documents.getLast(), 0).path("finish_reason").asText());
    }
    String included = ",\"stop\":\" wö\",\"include_stop_str_in_output\":true";
    assertEquals("héllo wö", choice(node.complete(SAY + included), 0).path("text").asText());
  }

  @Test
  void shouldNeverSplitACharacterInAStream() throws Exception {
    List<String> deltas = new ArrayList<>();
    for (JsonNode chunk :
        stream("/v1/completions", completion(SAY + ",\"stream\":true,\"logprobs\":0"))) {
      JsonNode choice = choice(chunk, 0);
      deltas.add(choice.path("text").asText());
      // What a chunk tells of tokens is the text that it brings.
      JsonNode tokens = choice.path("logprobs").path("tokens");
      assertEquals(
          choice.path("text").asText().getBytes(StandardCharsets.UTF_8).length, tokens.size());
    }
    assertEquals(TEXT, String.join("", deltas));
    assertFalse(deltas.stream().anyMatch(delta -> delta.contains("\uFFFD")), deltas.toString());
  }

  @Test
  void shouldEchoThePromptWithItsTokens() throws Exception {
    JsonNode plain = choice(node.complete("\"echo\":true," + SAY), 0);
    assertEquals("ab" + TEXT, plain.path("text").asText());
    assertTrue(plain.path("logprobs").isNull());
    JsonNode choice =
        choice(node.complete("\"prompt\":\"äb\",\"echo\":true,\"logprobs\":1," + SAY), 0);
    assertEquals("äb" + TEXT, choice.path("text").asText());
    JsonNode logprobs = choice.path("logprobs");
    assertTrue(logprobs.path("token_logprobs").path(0).isNull());
    assertTrue(logprobs.path("top_logprobs").path(0).isNull());
    // The beginning, ä in two tokens, b, h.
    assertEquals("<t1>", logprobs.path("tokens").path(0).asText());
    List<Integer> offsets = new ArrayList<>();
    logprobs.path("text_offset").forEach(offset -> offsets.add(offset.asInt()));
    assertEquals(List.of(0, 0, 0, 1, 2, 3), offsets.subList(0, 6));
    assertEquals(4 + 17, logprobs.path("tokens").size());
  }

  @Test
  void shouldScoreAPromptWithoutAnAnswer() throws Exception {
    JsonNode answer = node.complete("\"echo\":true,\"logprobs\":0,\"max_tokens\":0");
    assertEquals("ab", choice(answer, 0).path("text").asText());
    assertEquals(3, choice(answer, 0).path("logprobs").path("tokens").size());
    assertEquals(0, answer.path("usage").path("completion_tokens").asInt());
    assertEquals("length", choice(answer, 0).path("finish_reason").asText());
  }

  @Test
  void shouldReportPromptTokensAsVllmDoes() throws Exception {
    JsonNode choice = choice(node.complete("\"prompt_logprobs\":2,\"max_tokens\":2"), 0);
    JsonNode prompt = choice.path("prompt_logprobs");
    assertEquals(3, prompt.size());
    assertTrue(prompt.path(0).isNull());
    JsonNode own = prompt.path(1).path(Integer.toString(SmallNode.FIRST_BYTE + 'a'));
    assertEquals("a", own.path("decoded_token").asText());
    assertTrue(own.path("logprob").asDouble() < 0);
    assertTrue(prompt.path(1).size() >= 2);
    assertEquals(
        1, prompt.path(1).elements().next().path("rank").asInt(), prompt.path(1).toString());
    assertTrue(
        node.chat("\"prompt_logprobs\":0,\"max_tokens\":2").path("prompt_logprobs").size() > 2);
  }

  @Test
  void shouldKeepTheLikeliestOfBestOf() throws Exception {
    String fields =
        "\"seed\":3,\"temperature\":1,\"max_tokens\":8,\"ignore_eos\":true,\"logprobs\":0,\"prompt\":\"q\"";
    JsonNode all = node.complete(fields + ",\"n\":6");
    TreeMap<Double, String> byMean = new TreeMap<>();
    for (JsonNode choice : all.path("choices")) {
      double sum = 0;
      for (JsonNode logprob : choice.path("logprobs").path("token_logprobs")) {
        sum += logprob.asDouble();
      }
      byMean.put(sum, choice.path("text").asText());
    }
    JsonNode best = node.complete(fields + ",\"n\":2,\"best_of\":6");
    assertEquals(2, best.path("choices").size());
    assertEquals(byMean.lastEntry().getValue(), choice(best, 0).path("text").asText());
    assertEquals(
        byMean.lowerEntry(byMean.lastKey()).getValue(), choice(best, 1).path("text").asText());
    assertEquals(48, best.path("usage").path("completion_tokens").asInt());
    assertEquals(8, choice(best, 0).path("logprobs").path("tokens").size());
  }

  @Test
  void shouldAnswerSeveralPromptsInTheirOrder() throws Exception {
    String fields =
        "\"seed\":4,\"temperature\":1,\"n\":2,\"max_tokens\":6,\"ignore_eos\":true,\"prompt\":";
    JsonNode first = node.complete(fields + "\"first\"");
    JsonNode second = node.complete(fields + "\"second\"");
    JsonNode both = node.complete(fields + "[\"first\",\"second\"]");
    assertEquals(4, both.path("choices").size());
    for (int i = 0; i < 2; i++) {
      assertEquals(choice(first, i).path("text"), choice(both, i).path("text"));
      assertEquals(choice(second, i).path("text"), choice(both, 2 + i).path("text"));
    }
    assertEquals(6 + 7, both.path("usage").path("prompt_tokens").asInt());
    assertEquals(24, both.path("usage").path("completion_tokens").asInt());
    assertAccounts(both.path("usage"));
    String[] texts = {"", "", "", ""};
    for (JsonNode chunk :
        stream(
            "/v1/completions",
            "{\"model\":\"small\",\"stream\":true," + fields + "[\"first\",\"second\"]}")) {
      JsonNode choice = chunk.path("choices").path(0);
      texts[choice.path("index").asInt()] += choice.path("text").asText();
    }
    for (int i = 0; i < 4; i++) {
      assertEquals(choice(both, i).path("text").asText(), texts[i]);
    }
    JsonNode ids = node.complete("\"max_tokens\":1,\"prompt\":[[5,6],[7]]");
    assertEquals(3, ids.path("usage").path("prompt_tokens").asInt());
    assertEquals(2, ids.path("choices").size());
  }

  @Test
  void shouldSendTheCountsSoFarWithEveryEventWhenAsked() throws Exception {
    List<JsonNode> chunks =
        stream(
            "/v1/completions",
            completion(
                "\"stream\":true,\"logit_bias\":{\"100\":100},\"max_tokens\":5,"
                    + "\"stream_options\":{\"continuous_usage_stats\":true}"));
    StringBuilder text = new StringBuilder();
    for (JsonNode chunk : chunks) {
      text.append(chunk.path("choices").path(0).path("text").asText());
      JsonNode usage = chunk.path("usage");
      assertEquals(3, usage.path("prompt_tokens").asInt());
      assertEquals(text.length(), usage.path("completion_tokens").asInt());
    }
    assertEquals("aaaaa", text.toString());
  }

  @Test
  void shouldHandEverySamplingFieldToTheEngine() throws Exception {
    String a = "\"logit_bias\":{\"100\":60,\"101\":59},\"temperature\":0,\"max_tokens\":4,";
    assertEquals("aaaa", text(a + "\"top_p\":1"));
    // b is a logit of one behind: each penalty makes up for it once a was there.
    assertEquals("abab", text(a + "\"frequency_penalty\":2"));
    assertNotEquals("aaaa", text(a + "\"presence_penalty\":2"));
    assertNotEquals("aaaa", text(a + "\"repetition_penalty\":2,\"prompt\":\"q\""));
    for (String neutral : List.of("\"typical_p\":1", "\"min_p\":0", "\"repetition_penalty\":1")) {
      assertEquals("aaaa", text(a + neutral));
    }
    // The likeliest token alone, whatever the temperature.
    String greedy = text("\"temperature\":0,\"max_tokens\":6,\"ignore_eos\":true");
    for (String narrow : List.of("\"top_k\":1", "\"top_p\":0.0001", "\"min_p\":1")) {
      assertEquals(
          greedy, text("\"temperature\":2,\"max_tokens\":6,\"ignore_eos\":true," + narrow));
    }
    assertEquals("aa", text("\"logit_bias\":{\"100\":100},\"stop\":\"ab\",\"max_tokens\":2"));
    assertEquals("aaa", text(a + "\"stop\":\"a\",\"min_tokens\":4"));
  }

  private static String text(String fields) throws Exception {
    return choice(node.complete(fields), 0).path("text").asText();
  }

  @Test
  void shouldEndAtTheEndTokenUnlessToldToIgnoreItOrToGoOn() throws Exception {
    String end = "\"logit_bias\":{\"2\":100},\"max_tokens\":5,";
    JsonNode ended = node.complete(end + "\"n\":1");
    assertEquals("", choice(ended, 0).path("text").asText());
    assertEquals("stop", choice(ended, 0).path("finish_reason").asText());
    JsonNode ignored = node.complete(end + "\"ignore_eos\":true");
    assertEquals("length", choice(ignored, 0).path("finish_reason").asText());
    assertEquals(5, ignored.path("usage").path("completion_tokens").asInt());
    JsonNode more = node.complete(end + "\"min_tokens\":3");
    assertEquals("stop", choice(more, 0).path("finish_reason").asText());
    assertEquals(3, more.path("usage").path("completion_tokens").asInt());
    JsonNode own = node.complete("\"logit_bias\":{\"100\":100},\"stop_token_ids\":[100]");
    assertEquals("", choice(own, 0).path("text").asText());
  }

  @Test
  void shouldReportCachedTokensOfAPromptThatCameBefore() throws Exception {
    String prompt = "\"prompt\":\"" + "once upon a time ".repeat(8) + "\",\"max_tokens\":1";
    node.complete(prompt);
    JsonNode usage = node.complete(prompt).path("usage");
    assertTrue(usage.path("prompt_tokens_details").path("cached_tokens").asInt() >= 96);
    assertAccounts(usage);
  }

  @Test
  void shouldKeepAnswersInsideAGrammarWithEverySamplingOption() throws Exception {
    String schema =
        """
        {"type":"object","additionalProperties":false,"required":["kind","ok"],
         "properties":{"kind":{"enum":["cat","dog"]},"ok":{"type":"boolean"}}}\
        """;
    JsonNode answer =
        node.chat(
            """
            "n":3,"temperature":1.5,"presence_penalty":1,"logprobs":true,"max_tokens":200,"seed":1,
            "response_format":{"type":"json_schema",
             "json_schema":{"name":"animal","strict":true,"schema":%s}}\
            """
                .formatted(schema));
    for (int i = 0; i < 3; i++) {
      assertEquals("stop", choice(answer, i).path("finish_reason").asText());
      JsonNode animal = TestNode.json(choice(answer, i).path("message").path("content").asText());
      assertTrue(Set.of("cat", "dog").contains(animal.path("kind").asText()), animal.toString());
      assertTrue(animal.path("ok").isBoolean());
    }
    assertTrue(text("\"guided_regex\":\"[0-9]{3}-[a-f]\"").matches("[0-9]{3}-[a-f]"));
    assertTrue(
        Set.of("yes", "no").contains(text("\"structured_outputs\":{\"choice\":[\"yes\",\"no\"]}")));
    String guided = "\"guided_json\":" + schema + ",\"max_tokens\":200,\"n\":2,\"best_of\":3";
    for (JsonNode choice : node.complete(guided).path("choices")) {
      assertEquals(2, TestNode.json(choice.path("text").asText()).size());
    }
    JsonNode object = node.chat("\"response_format\":{\"type\":\"json_object\"},\"max_tokens\":1");
    assertEquals("{", choice(object, 0).path("message").path("content").asText());
  }

  @Test
  void shouldNameThePlaceOfASchemaThatCannotBeCompiled() throws Exception {
    String body =
        SmallNode.chatBody(
            """
            "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":
             {"type":"object","properties":{"a":{"type":"strin"}}}}}\
            """);
    JsonNode error = TestNode.json(node.send("/v1/chat/completions", body).body()).path("error");
    assertEquals("response_format.json_schema.schema", error.path("param").asText());
    assertEquals("invalid_grammar", error.path("code").asText());
    assertTrue(error.path("message").asText().contains("/properties/a"), error.toString());
  }

  @Test
  void shouldTakeFieldsThatChangeNothingAndRepeatTheServiceTier() throws Exception {
    JsonNode answer =
        node.chat(
            """
            "user":"u","metadata":{"a":"b"},"store":false,"service_tier":"auto","tools":[],
            "safety_identifier":"s","prompt_cache_key":"k","modalities":["text"],"max_tokens":1,
            "tool_choice":"none","verbosity":"medium","skip_special_tokens":true,"n":1\
            """);
    assertEquals("default", answer.path("service_tier").asText());
    assertFalse(node.chat("\"max_tokens\":1").has("service_tier"));
  }
}
