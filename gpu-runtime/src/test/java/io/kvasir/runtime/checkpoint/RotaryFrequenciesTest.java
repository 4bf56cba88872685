package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Known answers of the published rules. */
final class RotaryFrequenciesTest {
  private static final OptionalDouble NONE = OptionalDouble.empty();

  @Test
  void shouldFallGeometricallyWithoutScaling() {
    var f = RotaryFrequencies.of(new RopeConfig(10_000, 64, new RopeScaling.Default()), 1);
    assertEquals(32, f.pairCount());
    assertEquals(1, f.frequency(0));
    assertEquals(Math.pow(10_000, -0.5), f.frequency(16), 1e-15);
    assertEquals(1, f.attentionFactor());
  }

  @Test
  void shouldDivideEveryFrequencyForLinearScaling() {
    var f = RotaryFrequencies.of(new RopeConfig(10_000, 64, new RopeScaling.Linear(4)), 1);
    assertEquals(0.25, f.frequency(0));
    assertEquals(Math.pow(10_000, -0.5) / 4, f.frequency(16), 1e-15);
  }

  @Test
  void shouldGiveTheKnownAnswersOfLlama3() {
    var plain = RotaryFrequencies.of(new RopeConfig(5e5, 128, new RopeScaling.Default()), 1);
    var f =
        RotaryFrequencies.of(new RopeConfig(5e5, 128, new RopeScaling.Llama3(8, 1, 4, 8192)), 1);
    assertEquals(plain.frequency(28), f.frequency(28));
    assertEquals(0.00216657, f.frequency(29), 5e-9);
    assertEquals(0.828168, f.frequency(29) / plain.frequency(29), 5e-7);
    assertEquals(0.000524846, f.frequency(32), 5e-10);
    assertEquals(0.371122, f.frequency(32) / plain.frequency(32), 5e-7);
    assertEquals(0.190211, f.frequency(34) / plain.frequency(34), 5e-7);
    for (int i = 35; i < 64; i++) {
      assertEquals(0.125, f.frequency(i) / plain.frequency(i), 1e-15);
    }
    assertEquals(1, f.attentionFactor());
  }

  @Test
  void shouldGiveTheKnownAnswersOfYarn() {
    var rule = new RopeScaling.Yarn(40, 4096, 32, 1, NONE, NONE, NONE, true);
    var f = RotaryFrequencies.of(new RopeConfig(1e4, 64, rule), 1);
    assertEquals(0.0562341, f.frequency(10), 5e-8);
    assertEquals(0.0390069, f.frequency(11), 5e-8);
    assertEquals(0.0055, f.frequency(16), 5e-8);
    assertEquals(1.77828e-4, f.frequency(22), 5e-10);
    assertEquals(3.33380e-5, f.frequency(23), 5e-11);
  }

  @Test
  void shouldScaleYarnAttentionAsStatedOrByTheFactor() {
    var plain = new RopeScaling.Yarn(4, 32_768, 32, 1, NONE, NONE, NONE, true);
    assertEquals(1.1386, factor(plain), 5e-5);
    var both = new RopeScaling.Yarn(40, 4096, 32, 1, of(0.707), of(0.707), NONE, true);
    assertEquals(1, factor(both), 1e-15);
    var stated = new RopeScaling.Yarn(4, 32_768, 32, 1, NONE, NONE, of(0.9), true);
    assertEquals(0.9, factor(stated));
    var shrinking = new RopeScaling.Yarn(1, 32_768, 32, 1, NONE, NONE, NONE, true);
    assertEquals(1, factor(shrinking));
  }

  @Test
  void shouldChooseTheLongSetBeyondTheOriginalLength() {
    List<Double> ones = Collections.nCopies(48, 1.0);
    List<Double> twos = Collections.nCopies(48, 2.0);
    var rule = new RopeScaling.LongRope(ones, twos, 4096, 131_072 / 4096.0, NONE);
    var rope = new RopeConfig(1e4, 96, rule);
    var within = RotaryFrequencies.of(rope, 4096);
    var beyond = RotaryFrequencies.of(rope, 4097);
    assertFalse(within.longSet());
    assertTrue(beyond.longSet());
    assertEquals(within.frequency(7) / 2, beyond.frequency(7), 1e-18);
    assertEquals(1.190238, within.attentionFactor(), 5e-7);
    assertEquals(1.190238, beyond.attentionFactor(), 5e-7);
  }

  private static OptionalDouble of(double value) {
    return OptionalDouble.of(value);
  }

  private static double factor(RopeScaling scaling) {
    return RotaryFrequencies.of(new RopeConfig(1e4, 64, scaling), 1).attentionFactor();
  }
}
