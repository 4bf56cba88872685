package io.kvasir.runtime.device.cpu;

/** Rotates one head by the cos and sin of its row. */
final class ScalarRotary {
  private ScalarRotary() {}

  /** Turns the pairs of {@code x[at ..]} in place; cos at {@code turns[0 .. pairs)}, sin behind. */
  static void rotate(float[] x, int at, float[] turns, int pairs, boolean interleaved) {
    for (int i = 0; i < pairs; i++) {
      int first = interleaved ? at + 2 * i : at + i;
      int second = interleaved ? first + 1 : first + pairs;
      float cos = turns[i];
      float sin = turns[pairs + i];
      float a = x[first];
      float b = x[second];
      x[first] = turnFirst(a, b, cos, sin);
      x[second] = turnSecond(a, b, cos, sin);
    }
  }

  static float turnFirst(float a, float b, float cos, float sin) {
    return Math.fma(a, cos, -(b * sin));
  }

  static float turnSecond(float a, float b, float cos, float sin) {
    return Math.fma(b, cos, a * sin);
  }
}
