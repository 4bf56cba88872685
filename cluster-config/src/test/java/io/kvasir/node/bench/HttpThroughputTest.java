package io.kvasir.node.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

final class HttpThroughputTest {
  @Test
  void shouldCompareWithTheBaselineOfTheSameTime() {
    // The machine loses speed evenly; what is measured is 2 % slower than the baseline throughout.
    List<Double> baseline = List.of(100.0, 80.0, 60.0);
    List<Double> figures = List.of(95.0 * 0.98, 75.0 * 0.98);
    List<Double> ratios = HttpThroughput.ratios(figures, baseline, 0.25);
    assertEquals(2, ratios.size());
    assertEquals(0.98, ratios.get(0), 1e-9);
    assertEquals(0.98, ratios.get(1), 1e-9);
  }
}
