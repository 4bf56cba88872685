package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.actors.cluster.CborGolden;
import io.kvasir.actors.cluster.ClusterMessage;
import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.tier.MissReason;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Penalties;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The wire between gateways and nodes: golden bytes, this version and the one before. */
final class GenerationMessageTest {
  private static final SamplingParameters SAMPLING =
      SamplingParameters.builder()
          .temperature(0.5f)
          .topP(0.75f)
          .topK(40)
          .minP(0.125f)
          .typicalP(0.5f)
          .penalties(new Penalties(1.5f, 0.25f, -0.5f))
          .logitBias(Map.of(7, -1.5f))
          .seed(-42L)
          .maxTokens(64)
          .minTokens(2)
          .stopIds(List.of(2, 5))
          .stopStrings(List.of("\n\n", "é"))
          .continuesPrompt(true)
          .includeStopString(true)
          .n(2)
          .bestOf(3)
          .logprobs(5)
          .promptLogprobs(1)
          .build();

  private static CborGolden golden;

  @BeforeAll
  static void open() {
    golden = new CborGolden(GenerationMessageTest.class);
  }

  @AfterAll
  static void close() {
    golden.close();
  }

  private static GenerationMessage.Start start() {
    return start(
        List.of("DEVICE", "PEER"),
        List.of(
            new WireHolder(-3, 301, "HOST", List.of(new long[] {7}, new long[0])),
            new WireHolder(4, -401, "DEVICE", List.of(new long[] {-1}, new long[] {1}))));
  }

  private static GenerationMessage.Start start(List<String> sources, List<WireHolder> holders) {
    return new GenerationMessage.Start(
        77,
        2,
        golden.ref(),
        "model",
        "print",
        "tenant",
        "session",
        new int[] {1, 2, 70_000},
        WireSampling.of(SAMPLING),
        WireGrammar.of(new GrammarSpec.JsonSchema("{}", true)),
        List.of(
            new WireResume(new int[] {9, 8}, -1.5, 2, null),
            new WireResume(new int[0], 0, 0, FinishReason.STOP),
            new WireResume(new int[] {4}, -0.5, 1, FinishReason.CANCELLED)),
        3,
        60_000,
        2000,
        true,
        sources,
        holders);
  }

  private static WireUsage usage() {
    return new WireUsage(10, 1, 2, 0, 3, 0, 0, 4, 7, 2, 80, 1, 5, 6, 9);
  }

  private static Map<String, ClusterMessage> messages() {
    WireLogprobs logprobs =
        new WireLogprobs(
            new float[] {-0.5f, Float.NaN},
            new int[] {3, 4},
            new float[] {-0.25f, Float.NEGATIVE_INFINITY});
    Map<String, ClusterMessage> all = new LinkedHashMap<>();
    all.put("start-3", start());
    all.put("part", new GenerationMessage.Part(77, 1, 2, 5, 2000, false, new byte[] {1, -1, 0}));
    all.put(
        "embed",
        new GenerationMessage.Embed(
            78, 1, golden.ref(), "model", "print", "tenant", new int[] {5}, "LAST", 900, 2000));
    all.put("renew", new GenerationMessage.Renew(77, 2, golden.ref(), 2000));
    all.put("resend", new GenerationMessage.Resend(77, 2, 1, 30));
    all.put("cancel", new GenerationMessage.Cancel(77, 2));
    all.put("cancelChoice", new GenerationMessage.CancelChoice(77, 2, 1));
    all.put("watch", new GenerationMessage.Watch(golden.ref(), 3000));
    all.put("accepted", new GenerationReply.Accepted(77, 2));
    all.put("refused", new GenerationReply.Refused(77, 2, "QUEUE_FULL", "Full, try later.", true));
    all.put(
        "tokens", new GenerationReply.Tokens(77, 2, 1, 30, new int[] {5, 90_000}, logprobs, -7.5));
    all.put("promptScores", new GenerationReply.PromptScores(77, 2, 0, logprobs));
    all.put(
        "finished",
        new GenerationReply.Finished(
            77,
            2,
            1,
            32,
            FinishReason.LENGTH,
            usage(),
            null,
            -12.5,
            33,
            Map.of(MissReason.SLOWER, 4),
            List.of("computing 4 tokens takes 1 ms")));
    all.put(
        "alive", new GenerationReply.Alive(77, 2, new int[] {5, 0}, new boolean[] {false, true}));
    all.put("gone", new GenerationReply.Gone(77, 2));
    all.put(
        "embedded",
        new GenerationReply.Embedded(
            78, 1, FinishReason.STOP, new byte[] {0, 0, -128, 63}, usage(), null));
    all.put(
        "load",
        new GenerationReply.Load(
            5, 6, 7, "model", 1, 2, 64, 512, 1 << 20, 1 << 21, 321.5, 12_500, 850, false));
    return all;
  }

  @Test
  void shouldKeepTheBytesOfEveryMessage() {
    messages().forEach(golden::check);
  }

  @Test
  void shouldHaveAGoldenFileForEveryMessageThereIs() {
    long types =
        GenerationMessage.class.getPermittedSubclasses().length
            + java.util.Arrays.stream(GenerationReply.class.getPermittedSubclasses())
                .mapToLong(type -> type.isSealed() ? type.getPermittedSubclasses().length : 1)
                .sum();
    assertEquals(types, messages().size());
  }

  @Test
  void shouldReadTheStartsOfTheVersionsBefore() {
    golden.reads("start", start(null, null));
    golden.reads("start-2", start(List.of("DEVICE", "PEER"), null));
    assertNull(WireOrders.of(start(null, null)).holdings());
  }

  @Test
  void shouldTakeASourceOfALaterVersionAsNone() {
    assertEquals(
        Set.of(Residence.HOST),
        WireOrders.of(start(List.of("HOST", "HOLOGRAM"), null)).directions().sources());
    assertEquals(Directions.NONE, WireOrders.of(start(null, null)).directions());
  }

  @Test
  void shouldReadAStartWithoutWhatAnOlderGatewayDoesNotSend() {
    GenerationMessage.Start now = start();
    GenerationMessage.Start before =
        new GenerationMessage.Start(
            now.requestId(),
            now.attempt(),
            now.replyTo(),
            now.model(),
            now.fingerprint(),
            now.tenant(),
            null,
            now.prompt(),
            now.sampling(),
            null,
            null,
            0,
            now.timeoutMs(),
            now.leaseMs(),
            false,
            null,
            null);
    golden.readsWithout(
        now,
        before,
        "session",
        "grammar",
        "resume",
        "computeTokens",
        "explained",
        "sources",
        "holders");
  }

  @Test
  void shouldReadAStartWhoseHoldersAreNoneAtAll() {
    GenerationMessage.Start untold = start(List.of("DEVICE", "PEER"), null);
    for (String other :
        List.of(
            "7",
            "{\"nodeId\":1}",
            "[null]",
            "[1]",
            "[{\"nodeId\":\"one\"}]",
            "[{\"nodeId\":1e30}]",
            "[{\"nodeId\":1,\"blocks\":7}]",
            "[{\"nodeId\":1,\"blocks\":[[\"bits\"]]}]")) {
      golden.readsWith(start(), untold, "holders", json(other));
    }
  }

  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @Test
  void shouldTakeAbsentSamplingAsOff() {
    WireSampling sparse =
        new WireSampling(
            0.5f, null, 0, 0, null, null, 0, 0, null, 3, 16, 0, null, null, false, false, 1, 1,
            null, null);
    assertEquals(
        SamplingParameters.builder().temperature(0.5f).seed(3L).maxTokens(16).build(),
        sparse.parameters());
  }

  @Test
  void shouldBringSamplingAndGrammarBackAsTheyWere() {
    assertEquals(SAMPLING, WireSampling.of(SAMPLING).parameters());
    for (GrammarSpec spec :
        List.of(
            new GrammarSpec.JsonObject(GrammarSpec.Whitespace.NONE),
            new GrammarSpec.JsonSchema("{\"type\":\"string\"}", false),
            new GrammarSpec.Regex("a+"),
            new GrammarSpec.Choice(List.of("x", "y")))) {
      assertEquals(spec, WireGrammar.of(spec).spec());
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> new WireGrammar("later", List.of(), false, false).spec());
    assertThrows(
        IllegalArgumentException.class,
        () -> WireSampling.of(SAMPLING.toBuilder().seed(null).build()));
  }

  @Test
  void shouldRefuseBytesThatAreNoMessage() {
    String manifest = GenerationMessage.Start.class.getName();
    byte[] whole = golden.bytes(start());
    for (int length = 0; length < whole.length; length += 7) {
      byte[] cut = java.util.Arrays.copyOf(whole, length);
      assertThrows(Exception.class, () -> golden.parse(manifest, cut), "length " + length);
    }
    assertThrows(Exception.class, () -> golden.parse("io.kvasir.NoSuchMessage", whole));
  }

  @Test
  void shouldKnowWhenAnOrderIsTooLongForOneMessage() {
    assertTrue(Slices.estimate(start()) >= golden.bytes(start()).length);
    long[] bits = new long[1000];
    Arrays.fill(bits, Long.MIN_VALUE);
    WireHolder holder =
        new WireHolder(Long.MAX_VALUE, Long.MIN_VALUE, "DEVICE", List.of(bits, bits));
    GenerationMessage.Start told = start(null, Collections.nCopies(8, holder));
    assertTrue(Slices.estimate(told) >= golden.bytes(told).length);
  }
}
