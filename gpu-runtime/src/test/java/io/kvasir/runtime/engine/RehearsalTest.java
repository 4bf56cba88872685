package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.WeightFormat;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RehearsalTest {
  private static ModelConfig config(String family, String more) {
    String json =
        """
        {"model_type": "%s", "vocab_size": 512, "hidden_size": 384, "intermediate_size": 512,
         "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
         "rms_norm_eps": 1e-5, "max_position_embeddings": 512, "tie_word_embeddings": false,
         "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"%s}
        """
            .formatted(family, more);
    return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static EngineConfig engine(long warmUpNs) {
    EngineConfig base = EngineConfig.of("dummy", 8 << 20).threads(2);
    return base.options(base.options().steps(64, Long.MAX_VALUE).warmUp(warmUpNs));
  }

  /** Every family has a miniature that can be loaded and run, with its windows and formats. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama|",
        "mistral|, \"sliding_window\": 128",
        "qwen2|, \"use_sliding_window\": true, \"sliding_window\": 64, \"max_window_layers\": 2",
        "qwen3|"
      })
  void shouldPlayEveryFamily(String family) {
    String[] parts = family.split("\\|", -1);
    try (Device device = Devices.cpu(2)) {
      for (WeightFormat format : new WeightFormat[] {WeightFormat.BF16, WeightFormat.INT8}) {
        Rehearsal.run(device, config(parts[0], parts[1]), format, engine(20_000_000));
      }
    }
  }

  /** The device is as it was: the model then computes what it would have computed anyway. */
  @Test
  void shouldLeaveTheDeviceToTheModel() {
    ModelConfig config = config("llama", "");
    EngineConfig engine = engine(20_000_000);
    // A harness closes its device.
    int[] without = answer(Devices.cpu(2), config, engine);
    Device device = Devices.cpu(2);
    Rehearsal.run(device, config, WeightFormat.BF16, engine);
    assertArrayEquals(without, answer(device, config, engine));
  }

  private static int[] answer(Device device, ModelConfig config, EngineConfig engine) {
    try (EngineHarness harness =
        new EngineHarness(device, config, engine.options(), new DeficitRoundRobin(64))) {
      return harness.generate(new int[] {5, 6, 7, 8, 9}, EngineHarness.greedy(16));
    }
  }
}
