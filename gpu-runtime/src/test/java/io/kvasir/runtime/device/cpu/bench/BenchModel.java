package io.kvasir.runtime.device.cpu.bench;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import java.util.SplittableRandom;

/** The linear layers of bench-150m: 12 layers of width 1,024, FFN 2,816, vocabulary 8,192. */
final class BenchModel implements AutoCloseable {
  private static final int LAYERS = 12;
  private static final int D = 1024;
  private static final int KV = 256;
  private static final int FFN = 2816;
  private static final int VOCABULARY = 8192;

  private final Kernels kernels;
  private final Weight[] qkv = new Weight[LAYERS];
  private final Weight[] o = new Weight[LAYERS];
  private final Weight[] gateUp = new Weight[LAYERS];
  private final Weight[] down = new Weight[LAYERS];
  private final Weight head;
  private final DeviceFloats x;
  private final DeviceFloats y;

  BenchModel(Device device, WeightFormat format, int maxRows) {
    kernels = device.kernels();
    for (int i = 0; i < LAYERS; i++) {
      qkv[i] = device.pack(format, source(D, D), source(KV, D), source(KV, D));
      o[i] = device.pack(format, source(D, D));
      gateUp[i] = device.pack(format, source(FFN, D), source(FFN, D));
      down[i] = device.pack(format, source(D, FFN));
    }
    head = device.pack(format, source(VOCABULARY, D));
    x = device.floats((long) maxRows * FFN);
    y = device.floats((long) maxRows * VOCABULARY);
    float[] row = new float[FFN];
    for (int i = 0; i < FFN; i++) {
      row[i] = (i % 17 - 8) * 0.01f;
    }
    for (int r = 0; r < maxRows; r++) {
      device.upload(row, 0, x, (long) r * FFN, FFN);
    }
  }

  private static MatrixSource source(int rows, int columns) {
    return new Random(rows, columns);
  }

  /** All layers; the head for the last row only, as a prompt needs it, or for all of a batch. */
  void step(int rows) {
    for (int i = 0; i < LAYERS; i++) {
      linear(qkv[i], rows);
      linear(o[i], rows);
      linear(gateUp[i], rows);
      linear(down[i], rows);
    }
    linear(head, rows > 16 ? 1 : rows);
  }

  private void linear(Weight weight, int rows) {
    int in = weight.inWidth();
    int parts = weight.partCount();
    kernels.linear(
        x, 0, in, rows, weight, 0, parts, null, y, 0, weight.outWidth(), KernelBench.STORE);
  }

  long weightBytes() {
    long bytes = head.bytes();
    for (int i = 0; i < LAYERS; i++) {
      bytes += qkv[i].bytes() + o[i].bytes() + gateUp[i].bytes() + down[i].bytes();
    }
    return bytes;
  }

  /** Multiplications and additions of {@link #step}. */
  double flops(int rows) {
    double layers = (double) LAYERS * (D * (D + 2L * KV) + (long) D * D + 3L * D * FFN);
    return 2 * (layers * rows + (double) D * VOCABULARY * (rows > 16 ? 1 : rows));
  }

  @Override
  public void close() {
    head.close();
    for (int i = 0; i < LAYERS; i++) {
      qkv[i].close();
      o[i].close();
      gateUp[i].close();
      down[i].close();
    }
    x.close();
    y.close();
  }

  /** Seeded values, made row by row. */
  private record Random(int rows, int columns) implements MatrixSource {
    @Override
    public WeightFormat stored() {
      return WeightFormat.F32;
    }

    @Override
    public void readRow(int row, float[] target, int offset) {
      SplittableRandom random = new SplittableRandom(row);
      for (int i = 0; i < columns; i++) {
        target[offset + i] = (random.nextInt() >> 8) * 0x1p-26f;
      }
    }
  }
}
