package io.kvasir.runtime.device.cpu.bench;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Multiply-adds on registers alone, on several threads at once: what no kernel can exceed. Twelve
 * chains hide the latency of two multipliers.
 */
final class FmaCeiling {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int CHAINS = 12;

  /** Steps a call, and calls a measurement: a loop that runs long in one call is never compiled. */
  private static final int STEPS = 256;

  private static final int CALLS = 20_000;

  private static volatile float sink;

  private FmaCeiling() {}

  static double gigaflopsPerSecond(int threads, int rounds) {
    double time = KernelBench.best(rounds, () -> Threads.run(threads, t -> runAll()));
    return 2.0 * SPECIES.length() * CHAINS * STEPS * CALLS * threads / time / 1e9;
  }

  private static void runAll() {
    float[] values = new float[3 * SPECIES.length()];
    for (int i = 0; i < CALLS; i++) {
      run(values);
    }
    sink = values[values.length - 1];
  }

  private static void run(float[] values) {
    FloatVector x = FloatVector.fromArray(SPECIES, values, 0);
    FloatVector y = FloatVector.fromArray(SPECIES, values, SPECIES.length());
    FloatVector s0 = x;
    FloatVector s1 = x;
    FloatVector s2 = x;
    FloatVector s3 = x;
    FloatVector s4 = x;
    FloatVector s5 = x;
    FloatVector s6 = x;
    FloatVector s7 = x;
    FloatVector s8 = x;
    FloatVector s9 = x;
    FloatVector s10 = x;
    FloatVector s11 = x;
    for (int i = 0; i < STEPS; i++) {
      s0 = y.fma(x, s0);
      s1 = y.fma(x, s1);
      s2 = y.fma(x, s2);
      s3 = y.fma(x, s3);
      s4 = y.fma(x, s4);
      s5 = y.fma(x, s5);
      s6 = y.fma(x, s6);
      s7 = y.fma(x, s7);
      s8 = y.fma(x, s8);
      s9 = y.fma(x, s9);
      s10 = y.fma(x, s10);
      s11 = y.fma(x, s11);
    }
    FloatVector sum = s0.add(s1).add(s2).add(s3).add(s4).add(s5);
    sum = sum.add(s6).add(s7).add(s8).add(s9).add(s10).add(s11);
    sum.intoArray(values, 2 * SPECIES.length());
  }
}
