package io.kvasir.runtime.device;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A fixed set of kernel calls on seeded data. Two devices of one arithmetic must leave equal bits
 * in every result; so must one device under any thread count, vector width or state of the JIT.
 */
final class KernelBattery {
  private static final float EPS = 1e-5f;

  private final Device device;
  private final Kernels kernels;
  private final SplittableRandom random;
  private final boolean small;
  private final Map<String, float[]> results = new LinkedHashMap<>();

  private KernelBattery(Device device, long seed, boolean small) {
    this.device = device;
    this.kernels = device.kernels();
    this.random = new SplittableRandom(seed);
    this.small = small;
  }

  /** Runs everything; {@code small} keeps an interpreted run to seconds. */
  static Map<String, float[]> run(Device device, long seed, boolean small) {
    KernelBattery battery = new KernelBattery(device, seed, small);
    battery.linears();
    battery.embeddings();
    battery.norms();
    battery.activations();
    battery.rowMoves();
    battery.rotations();
    battery.attentions();
    return battery.results;
  }

  private void linears() {
    int[][] shapes =
        small
            ? new int[][] {{1, 1, 1}, {33, 17, 3}, {530, 40, 7}, {40, 70, 18}}
            : new int[][] {
              {1, 1, 1},
              {31, 15, 2},
              {32, 16, 4},
              {33, 17, 5},
              {64, 100, 6},
              {257, 33, 9},
              {600, 130, 13},
              {160, 200, 16},
              {4133, 70, 29},
              {1025, 70, 1},
              {96, 65, 131}
            };
    for (WeightFormat format : WeightFormat.values()) {
      for (int[] shape : shapes) {
        int[] widths = {shape[1], 1 + shape[1] / 3, 8};
        Weight weight =
            device.pack(
                format,
                TestMatrix.random(random, widths[0], shape[0]),
                TestMatrix.random(random, widths[1], shape[0]),
                TestMatrix.random(random, widths[2], shape[0]));
        for (int rows : new int[] {0, 1, shape[2]}) {
          linear(weight, rows, 0, 3, true, Kernels.Store.ADD);
          linear(weight, rows, 1, 2, false, Kernels.Store.SET);
        }
        weight.close();
      }
    }
  }

  private void linear(
      Weight weight, int rows, int first, int end, boolean bias, Kernels.Store store) {
    int in = weight.inWidth();
    int out = 0;
    for (int p = first; p < end; p++) {
      out += weight.partWidth(p);
    }
    int xStride = in + 3;
    int outStride = out + 5;
    DeviceFloats x = upload(values(7 + rows * xStride));
    DeviceFloats b = bias ? upload(values(out)) : null;
    DeviceFloats y = upload(values(11 + rows * outStride));
    kernels.linear(x, 7, xStride, rows, weight, first, end, b, y, 11, outStride, store);
    keep("linear " + weight.format() + " " + in + "x" + out + " rows " + rows + " " + store, y);
  }

  private void embeddings() {
    int[] ids = {3, 0, 36, 3};
    for (WeightFormat format : WeightFormat.values()) {
      TestMatrix matrix = TestMatrix.random(random, 37, 45);
      DeviceFloats out = upload(values(2 + 3 * 45));
      Weight tied = device.pack(format, matrix);
      kernels.embed(tied, ids, 1, 3, out, 2);
      keep("embed tied " + format, out);
      if (!format.quantised()) {
        DeviceFloats rows = upload(values(2 + 3 * 45));
        kernels.embed(device.packTable(format, matrix), ids, 1, 3, rows, 2);
        keep("embed table " + format, rows);
      }
    }
  }

  private void norms() {
    for (int width : new int[] {1, 7, 8, 9, 33, small ? 64 : 1023}) {
      int rows = small ? 2 : 9;
      DeviceFloats x = upload(values(rows * width));
      DeviceFloats out = upload(values(rows * width));
      kernels.rmsNorm(x, upload(values(width)), EPS, rows, width, out);
      keep("rmsNorm " + width, out);
      kernels.rmsNorm(x, upload(values(width)), EPS, rows, width, x);
      keep("rmsNorm in place " + width, x);
      int stride = 3 * width + 2;
      DeviceFloats heads = upload(values(5 + rows * stride));
      kernels.headNorm(heads, 5, stride, rows, 3, width, upload(values(width)), EPS);
      keep("headNorm " + width, heads);
    }
  }

  private void activations() {
    float[] extremes = {
      0f, -0f, 1e-30f, -1e-30f, 87.4f, -87.3f, 88.7f, -88.72f, -88.73f, 100f, -100f, 3e38f, -3e38f
    };
    for (int width : new int[] {1, 15, 16, 17, small ? 40 : 1000}) {
      int rows = 3;
      float[] input = values(rows * 2 * width);
      for (int i = 0; i < input.length; i++) {
        input[i] = i % 3 == 0 ? extremes[i / 3 % extremes.length] : 20 * input[i];
      }
      DeviceFloats out = upload(values(rows * width));
      kernels.swiglu(upload(input), rows, width, out);
      keep("swiglu " + width, out);
    }
  }

  private void rowMoves() {
    int width = 19;
    int[] rows = {4, 1, 6};
    DeviceFloats source = upload(values(8 * width));
    DeviceFloats target = upload(values(8 * width));
    kernels.gatherRows(source, rows, 3, width, target, 5);
    keep("gatherRows", target);
    kernels.scatterRows(source, 7, rows, 3, width, target);
    keep("scatterRows", target);
    kernels.addRows(source, rows, null, 3, width, target);
    kernels.addRows(source, rows, new float[] {0.5f, -2.25f, 1e-3f}, 3, width, target);
    keep("addRows", target);
    kernels.add(source, 3, target, 5, 40);
    kernels.zero(target, 60, 9);
    device.copy(source, 1, target, 80, 21);
    keep("add, zero, copy", target);
  }

  private void rotations() {
    for (boolean interleaved : new boolean[] {false, true}) {
      for (int[] axes : new int[][] {null, {0, 2, 1, 0, 0, 2, 1, 1, 0}}) {
        double[] frequencies = new double[9];
        for (int i = 0; i < 9; i++) {
          frequencies[i] = Math.pow(10_000, -i / 9.0);
        }
        RotaryTable table = device.rotary(new RotarySpec(frequencies, 1.25, interleaved, axes));
        int[] positions = {0, 5, 1000, 7, 255, 256, 3000, 2, 1};
        int rows = axes == null ? 9 : 3;
        DeviceFloats x = upload(values(3 + rows * 50));
        kernels.rotate(table, positions, x, 3, 50, rows, 2, 22);
        keep("rotate interleaved " + interleaved + " axes " + (axes != null), x);
      }
    }
  }

  private void attentions() {
    int cases = small ? 6 : 24;
    for (int c = 0; c < cases; c++) {
      AttentionCase attention = new AttentionCase(random.nextLong(), small);
      results.put("attention " + c + " " + attention, attention.run(device));
    }
    for (int c = 0; !small && c < 8; c++) {
      AttentionCase decoding = AttentionCase.decoding(random.nextLong());
      results.put("decoding " + c + " " + decoding, decoding.run(device));
    }
  }

  private float[] values(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextDouble() * 2 - 1);
    }
    return values;
  }

  private DeviceFloats upload(float[] values) {
    DeviceFloats floats = device.floats(values.length);
    device.upload(values, 0, floats, 0, values.length);
    return floats;
  }

  private void keep(String name, DeviceFloats floats) {
    float[] values = new float[(int) floats.count()];
    device.download(floats, 0, values, 0, values.length);
    device.await();
    results.put(results.size() + " " + name, values);
  }
}
