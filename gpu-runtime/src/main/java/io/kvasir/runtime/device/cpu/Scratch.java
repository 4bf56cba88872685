package io.kvasir.runtime.device.cpu;

/** Working memory of one worker; grows to the largest shape met, then stays. */
final class Scratch {
  /** An expanded weight panel, or an expanded tile of keys or values. */
  float[] panel = new float[0];

  /** Running sums of a panel's columns, [row][column]. */
  float[] sums = new float[0];

  /** Rotated queries. */
  float[] queries = new float[0];

  /** Scores, then weights, [query][entry]. */
  float[] scores = new float[0];

  final float[] eight = new float[8];

  /** One vector, to look at its lanes. */
  final float[] lanes = new float[16];

  float[] turns = new float[0];

  /** Keeps reads alive that only bring memory into the cache. */
  int touched;

  static float[] grown(float[] array, long length) {
    if (array.length >= length) {
      return array;
    }
    return new float[Math.toIntExact(Math.max(length, Math.min(2L * array.length, 1L << 28)))];
  }
}
