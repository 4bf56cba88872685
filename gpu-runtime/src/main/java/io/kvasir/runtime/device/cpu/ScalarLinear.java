package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.Kernels.Store;
import io.kvasir.runtime.device.WeightFormat;

/** Linear layers by definition: a column's codes, then one chain per row. */
final class ScalarLinear {
  private ScalarLinear() {}

  static void run(LinearCall call) {
    PackedLinear weight = call.weight;
    int columns = weight.shape.columns();
    float[] codes = new float[weight.inWidth];
    for (int part = call.firstPart; part < call.endPart; part++) {
      for (int c = 0; c < weight.partWidth(part); c++) {
        int panel = weight.partPanel[part] + c / columns;
        for (int k = 0; k < weight.inWidth; k++) {
          codes[k] = weight.code(panel, k, c % columns);
        }
        int column = weight.partColumn[part] - weight.partColumn[call.firstPart] + c;
        for (int r = 0; r < call.rows; r++) {
          int xAt = call.xOffset + r * call.xStride;
          float sum =
              weight.format.quantised()
                  ? blockChain(call.x, xAt, codes, weight, panel, c % columns)
                  : chain(0f, call.x, xAt, codes, 0, weight.inWidth);
          finish(call, r, column, sum);
        }
      }
    }
  }

  private static float chain(float sum, float[] x, int xAt, float[] w, int from, int to) {
    for (int k = from; k < to; k++) {
      sum = Math.fma(x[xAt + k], w[k], sum);
    }
    return sum;
  }

  private static float blockChain(
      float[] x, int xAt, float[] codes, PackedLinear weight, int panel, int column) {
    float total = 0f;
    for (int from = 0; from < codes.length; from += WeightFormat.BLOCK) {
      int to = Math.min(codes.length, from + WeightFormat.BLOCK);
      float block = chain(0f, x, xAt, codes, from, to);
      total = Math.fma(block, weight.scale(panel, from, column), total);
    }
    return total;
  }

  private static void finish(LinearCall call, int row, int column, float sum) {
    float value = call.bias == null ? sum : sum + call.bias[column];
    int at = call.outOffset + row * call.outStride + column;
    call.out[at] = call.store == Store.ADD ? call.out[at] + value : value;
  }
}
