package io.kvasir.runtime.device.cpu;

/** RMSNorm of one row. */
final class ScalarNorm {
  private ScalarNorm() {}

  static void normalise(
      float[] x, int at, float[] weight, float eps, int width, float[] out, int outAt) {
    float[] partial = new float[8];
    for (int c = 0; c < width; c++) {
      partial[c & 7] = Math.fma(x[at + c], x[at + c], partial[c & 7]);
    }
    float inverse = ScalarMath.inverseRoot(ScalarMath.join(partial), width, eps);
    for (int c = 0; c < width; c++) {
      out[outAt + c] = x[at + c] * inverse * weight[c];
    }
  }
}
