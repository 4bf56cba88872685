package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

final class SamplingParametersTest {
  private static void refuses(String sentence, UnaryOperator<SamplingParameters.Builder> change) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> change.apply(SamplingParameters.builder()).build());
    assertTrue(e.getMessage().contains(sentence), e.getMessage());
  }

  @Test
  void shouldNameValueAndBoundOfWhatItRefuses() {
    refuses("temperature=-0.1 must be between 0 and 100", b -> b.temperature(-0.1f));
    refuses("top_p=0.0 must be above 0", b -> b.topP(0));
    refuses("top_k=-1 must be 0 (off) or more", b -> b.topK(-1));
    refuses("min_p=1.5 must be between 0 and 1", b -> b.minP(1.5f));
    refuses("typical_p=0.0 must be above 0", b -> b.typicalP(0));
    refuses("repetition_penalty=0.0", b -> b.penalties(new Penalties(0, 0, 0)));
    refuses("presence_penalty=2.1", b -> b.penalties(new Penalties(1, 2.1f, 0)));
    refuses("frequency_penalty=-2.1", b -> b.penalties(new Penalties(1, 0, -2.1f)));
    refuses("logit_bias of token 7=100.5", b -> b.logitBias(Map.of(7, 100.5f)));
    refuses("max_tokens=0 must be at least 1", b -> b.maxTokens(0));
    refuses("min_tokens=5 must be between 0 and max_tokens=4", b -> b.maxTokens(4).minTokens(5));
    refuses("n=0 must be between 1 and 128", b -> b.n(0).bestOf(1));
    refuses("best_of=2 must be between n=3 and 128", b -> b.n(3).bestOf(2));
    refuses("top_logprobs=21 must be between 0 and 20", b -> b.logprobs(21));
    refuses("prompt_logprobs=-2", b -> b.promptLogprobs(-2));
    refuses("stop=\"\"", b -> b.stopStrings(List.of("")));
  }

  @Test
  void shouldRefuseWhatIsNoNumber() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      refuses("temperature=" + bad, b -> b.temperature(bad));
      refuses("top_p=" + bad, b -> b.topP(bad));
      refuses("min_p=" + bad, b -> b.minP(bad));
      refuses("typical_p=" + bad, b -> b.typicalP(bad));
      refuses("repetition_penalty=" + bad, b -> b.penalties(new Penalties(bad, 0, 0)));
      refuses("presence_penalty=" + bad, b -> b.penalties(new Penalties(1, bad, 0)));
      refuses("frequency_penalty=" + bad, b -> b.penalties(new Penalties(1, 0, bad)));
      refuses("logit_bias of token 1=" + bad, b -> b.logitBias(Map.of(1, bad)));
    }
  }

  @Test
  void shouldRefuseMoreLogprobsThanAreKeptWithTheNumbers() {
    refuses(
        "max_tokens=100000 for best_of=2 choices with 1 + top_logprobs=5 values each are 1200000",
        b -> b.maxTokens(100_000).n(2).logprobs(5));
    SamplingParameters many = SamplingParameters.builder().promptLogprobs(20).maxTokens(4).build();
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> TokenStream.of(many, 0, 60_000, 1000, () -> {}));
    assertTrue(e.getMessage().contains("prompt of 60000 tokens"), e.getMessage());
  }

  @Test
  void shouldEndAtEndOfSequenceUnlessToldToIgnoreIt() {
    SamplingParameters.Builder b =
        SamplingParameters.builder().stopIds(List.of(5, 2)).endIds(List.of(2, 9));
    assertEquals(List.of(2, 9, 5), b.build().stopIds());
    assertEquals(List.of(5, 2), b.ignoreEos(true).build().stopIds());
  }

  @Test
  void shouldKeepEverythingWhenChangedThroughTheBuilder() {
    SamplingParameters p =
        ReferenceSampler.random(new java.util.Random(2), 50)
            .seed(9L)
            .n(2)
            .bestOf(3)
            .logprobs(4)
            .promptLogprobs(1)
            .stopStrings(List.of("x"))
            .includeStopString(true)
            .continuesPrompt(true)
            .build();
    assertEquals(p, p.toBuilder().build());
    assertFalse(p.equals(p.toBuilder().seed(10L).build()));
  }

  @Test
  void shouldRefuseStreamsThatAreNotOnePerChoice() {
    SamplingParameters two = SamplingParameters.builder().n(2).build();
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new GenerationRequest(
                1, "t", new int[1], two, 0, List.of(), new TokenStream(16, 0, () -> {})));
  }
}
