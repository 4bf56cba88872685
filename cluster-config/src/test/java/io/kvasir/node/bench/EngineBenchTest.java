package io.kvasir.node.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.runtime.device.WeightFormat;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bench end to end on a tiny model; its figures mean nothing. */
final class EngineBenchTest {
  @TempDir Path dir;

  @Test
  @Tag("slow")
  void shouldMeasureEngineHttpAndAPeerInItsOwnProcess() throws Exception {
    Path config = dir.resolve("config.json");
    Files.writeString(
        config,
        """
        {"model_type": "llama", "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96,
         "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
         "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "tie_word_embeddings": false,
         "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
        """);
    Path json = dir.resolve("out.json");
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    int exit =
        EngineBench.run(
            new EngineBench.Options(
                "dummy:" + config,
                List.of(WeightFormat.INT8),
                Set.of(EngineBench.LLAMA_CPP),
                1,
                2,
                1,
                json,
                false,
                dir.resolve("kept")),
            new PrintStream(printed, true, StandardCharsets.UTF_8));
    assertEquals(0, exit);
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    List<String> names = rows.findValuesAsText("name");
    assertTrue(names.contains("int8 plain sequential read"), names.toString());
    assertTrue(names.contains("int8 through HTTP, batch 16"), names.toString());
    assertTrue(
        names.contains("int8 through HTTP, batch 16, events-per-core 100"), names.toString());
    assertTrue(names.contains("int8 through bare sockets, batch 16"), names.toString());
    assertEquals(1, valueOf(rows, "int8 rows computed for it"));
    assertTrue(rows.findValuesAsText("baseline").contains("llama.cpp q8_0"));
    rows.forEach(row -> assertTrue(row.get("value").asDouble() > 0, row.toString()));
    assertTrue(printed.toString(StandardCharsets.UTF_8).contains("commit="));
  }

  @Test
  void shouldRefuseUnknownPeers() {
    EngineBench.Options good = EngineBench.Options.defaults();
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new EngineBench.Options(
                    good.model(),
                    good.dtypes(),
                    Set.of("vllm"),
                    5,
                    2,
                    1,
                    null,
                    false,
                    good.folder()));
    assertTrue(refused.getMessage().contains("vllm"));
  }

  private static double valueOf(JsonNode rows, String name) {
    for (JsonNode row : rows) {
      if (row.get("name").asText().equals(name)) {
        return row.get("value").asDouble();
      }
    }
    throw new AssertionError("no row " + name);
  }
}
