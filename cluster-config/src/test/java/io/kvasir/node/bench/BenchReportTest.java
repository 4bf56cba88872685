package io.kvasir.node.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BenchReportTest {
  @TempDir Path dir;

  @Test
  void shouldWriteTheSharedJsonForm() throws IOException {
    BenchReport report = new BenchReport("t", Map.of("seed", "1"));
    report.add(BenchRow.value("plain", 20, "GB/s"));
    report.add(
        BenchRow.against("fast", 90, "tok/s", "peer", 45, BenchRow.Goal.atLeast(1.3), "why"));
    Path file = dir.resolve("r.json");
    report.writeJson(file);
    JsonNode root = new ObjectMapper().readTree(file.toFile());
    assertEquals("1", root.at("/environment/seed").asText());
    JsonNode row = root.at("/rows/1");
    assertEquals("fast", row.get("name").asText());
    assertEquals(2.0, row.get("ratio").asDouble());
    assertEquals("≥ 1.300", row.get("goal").asText());
    assertTrue(row.get("met").asBoolean());
    assertTrue(root.at("/rows/0/goal").isNull());
  }

  @Test
  void shouldFailOnlyStrictCallsOnMissedOrInvalidGoals() {
    BenchRow met = BenchRow.against("a", 2, "x", "b", 1, BenchRow.Goal.atLeast(2), "");
    BenchRow missed = BenchRow.judged("a", 2, "x", BenchRow.Goal.atMost(1), "");
    assertEquals(0, new BenchReport("t", Map.of()).add(met).exitCode(true));
    assertEquals(0, new BenchReport("t", Map.of()).add(missed).exitCode(false));
    assertEquals(3, new BenchReport("t", Map.of()).add(missed).exitCode(true));
    assertEquals(3, new BenchReport("t", Map.of()).add(met.invalid("slow peer")).exitCode(true));
  }

  @Test
  void shouldVoidComparisonsWithAPeerThatRanBelowItsFigure() {
    BenchRow row = BenchRow.against("d", 100, "tok/s", "peer", 30, BenchRow.Goal.atLeast(1.3), "");
    assertTrue(EngineGoals.checked(row, 47, 10.7).met());
    BenchRow voided = EngineGoals.checked(row, 47, 21.4);
    assertNull(voided.met());
    assertTrue(voided.note().startsWith("INVALID"));
  }

  @Test
  void shouldAlignColumnsAndNameTheMachine() {
    BenchReport report = new BenchReport("title", BenchEnvironment.of(9));
    report.add(BenchRow.value("a", 1234.5, "tok/s")).add(BenchRow.value("long name", 0.5, "s"));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    report.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
    assertEquals("title", lines.get(0));
    assertTrue(lines.get(1).contains("seed=9") && lines.get(1).contains("jdk="));
    assertEquals(lines.get(3).indexOf("tok/s"), lines.get(4).indexOf(" s ") + 1);
  }

  @Test
  void shouldGiveKnownWilsonIntervals() {
    WilsonInterval most = WilsonInterval.of(570, 600);
    assertEquals(0.9295, most.low(), 5e-4);
    assertEquals(0.9648, most.high(), 5e-4);
    assertEquals(1, WilsonInterval.of(20, 20).high());
    assertEquals(0.839, WilsonInterval.of(20, 20).low(), 5e-4);
  }

  @Test
  void shouldTakeTheMiddleOfRuns() {
    assertEquals(3, Median.of(List.of(9.0, 1.0, 3.0)));
    assertEquals(2, Median.of(List.of(3.0, 1.0)));
  }
}
