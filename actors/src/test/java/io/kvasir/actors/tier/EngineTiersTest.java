package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.EngineConfig;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.LoadedModel;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenStream;
import io.kvasir.transport.media.MemoryHub;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two real engines of one model: what one computed is served from its KV on the other. */
final class EngineTiersTest {
  private static final String TINY =
      """
      {"model_type": "llama", "vocab_size": 512, "hidden_size": 32, "intermediate_size": 64,
       "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 16, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 512, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
      """;
  private static final int SLOTS = 16;
  private static final int PROMPT = 10 * SLOTS + 5;
  private static final Duration LONG = Duration.ofSeconds(30);

  private static LoadedModel open(Path config) {
    return LoadedModel.open(EngineConfig.of("dummy:" + config, 8 << 20).slots(SLOTS).threads(1));
  }

  private static TokenStream generate(LoadedModel model, int[] prompt, Fetched fetched) {
    SamplingParameters greedy = SamplingParameters.greedy(12, List.of());
    TokenStream stream = TokenStream.of(greedy, 0, prompt.length, 512, () -> {});
    GenerationRequest request =
        new GenerationRequest(
            1,
            "tenant",
            prompt.clone(),
            greedy,
            0,
            List.of(),
            List.of(),
            List.of(stream),
            fetched.pins(),
            fetched.loaded());
    assertEquals(null, model.engine().submit(request));
    TestNodes.await("the answer ends", () -> stream.finishReason() != null);
    return stream;
  }

  private static int[] tokens(TokenStream stream) {
    int[] tokens = new int[stream.published()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = stream.token(i);
    }
    return tokens;
  }

  @Test
  void shouldAnswerAlikeFromTheKvOfAnotherNodeOfThisHostAndOfNone(@TempDir Path folder)
      throws Exception {
    Path config = Files.writeString(folder.resolve("config.json"), TINY);
    MemoryHub hub = new MemoryHub();
    int[] prompt = new int[PROMPT];
    for (int i = 0; i < PROMPT; i++) {
      prompt[i] = 3 + (i * 37 + i * i * 11) % 500;
    }
    try (LoadedModel first = open(config);
        LoadedModel second = open(config);
        TestNodes nodes = new TestNodes()) {
      List<TestNodes.Node> both = new ArrayList<>();
      for (LoadedModel model : List.of(first, second)) {
        BlockShape shape = model.engine().blocks().shape();
        both.add(
            nodes
            .new Node(
                1 + both.size(),
                shape,
                model.engine().blocks(),
                8 << 20,
                ConfigFactory.parseString(
                    "kvasir.actors.tier.priors.prefill-tokens-per-second = 1"),
                TestNodes.over(hub)));
      }
      BlockKeys keys = first.engine().blocks().keyScheme().keys("tenant", prompt, PROMPT);
      Fetched nothing = both.getFirst().fetch(keys, PROMPT, LONG);
      TokenStream computed = generate(first, prompt, nothing);
      assertEquals(PROMPT, computed.usage().recomputedTokens());
      TestNodes.await(
          "copies are announced", () -> both.getFirst().announced(Residence.HOST, keys) >= 10);

      Fetched fetched = both.get(1).fetch(keys, PROMPT, LONG);
      assertTrue(fetched.misses().isEmpty(), fetched.toString());
      TokenStream served = generate(second, prompt, fetched);
      assertArrayEquals(tokens(computed), tokens(served));
      assertEquals(10 * SLOTS, served.usage().sources().peer(), served.usage().toString());
      assertEquals(5, served.usage().recomputedTokens());

      second.engine().blocks().clear().join();
      TokenStream again = generate(second, prompt, both.get(1).fetch(keys, PROMPT, LONG));
      assertArrayEquals(tokens(computed), tokens(again));
      assertEquals(10 * SLOTS, again.usage().sources().host(), again.usage().toString());

      second.engine().blocks().clear().join();
      HostTierTest.corrupt(both.get(1).tier.host(), BlockPlace.of(keys, 4, 5).getFirst());
      both.getFirst().leaveView();
      Fetched broken = both.get(1).fetch(keys, PROMPT, LONG);
      TokenStream healed = generate(second, prompt, broken);
      assertArrayEquals(tokens(computed), tokens(healed));
      assertEquals(4 * SLOTS, healed.usage().sources().host(), healed.usage().toString());
      assertEquals(1, both.get(1).tier.host().stats().corrupt());
      for (LoadedModel model : List.of(first, second)) {
        TestNodes.await("leases end", () -> model.engine().stats().leases() == 0);
      }
      both.forEach(node -> TestNodes.await("at rest", () -> node.tier.heldCount() == 0));
    }
  }
}
