package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CheckpointInspectorTest {
  @TempDir Path dir;

  @Test
  void shouldDescribeAFolderThatLoads() throws IOException {
    TinyCheckpoints.write(dir, "qwen2", 3);
    var report = CheckpointInspector.inspect(dir.toString());
    assertEquals(List.of(), report.problems());
    assertTrue(report.text().contains("qwen2"), report.text());
    assertTrue(report.text().contains("2 layers see the last 10 tokens"), report.text());
    assertTrue(report.text().contains("512 bytes as bf16"), report.text());
    assertTrue(report.text().contains("temperature 0.7"), report.text());
    assertTrue(report.text().contains("loads          yes"), report.text());
  }

  @Test
  void shouldListEverythingThatStopsAFolder() throws IOException {
    TinyCheckpoints.write(dir, "llama", 3);
    String config = Files.readString(dir.resolve("config.json"));
    config = config.replace("\"silu\"", "\"gelu\"").replace("\"llama3\"", "\"ntk\"");
    Files.writeString(dir.resolve("config.json"), config);
    Files.delete(dir.resolve("tokenizer.json"));
    Files.delete(dir.resolve("model.safetensors"));
    Files.writeString(dir.resolve("pytorch_model.bin"), "");
    var report = CheckpointInspector.inspect(dir.toString());
    assertFalse(report.loads());
    assertEquals(4, report.problems().size(), report.text());
    assertTrue(report.text().contains("pickled"), report.text());
    report.problems().forEach(p -> assertTrue(p.endsWith("."), p));
  }

  @Test
  void shouldListWrongTensorsOneByOne() throws IOException {
    TinyCheckpoints.write(dir, "llama", 3);
    String config = Files.readString(dir.resolve("config.json"));
    config = config.replace("\"intermediate_size\": 144", "\"intermediate_size\": 128");
    Files.writeString(dir.resolve("config.json"), config);
    var report = CheckpointInspector.inspect(dir.toString());
    assertEquals(9, report.problems().size(), report.text());
    assertTrue(report.problems().get(0).contains("[144, 64]"), report.text());
  }

  @Test
  void shouldDescribeDummyModelsWithoutMakingThem() {
    var report = CheckpointInspector.inspect("dummy:llama-3.1-8b");
    assertTrue(report.loads(), report.text());
    assertTrue(report.text().contains("8,030,261,248"), report.text());
    assertTrue(report.text().contains("131,072 bytes as bf16"), report.text());
  }

  @Test
  void shouldReportPlacesThatAreNoCheckpoint() {
    assertFalse(CheckpointInspector.inspect("/nowhere/at/all").loads());
    assertFalse(CheckpointInspector.inspect("dummy:gpt-9").loads());
    assertFalse(CheckpointInspector.inspect("embedded:../x").loads());
  }
}
