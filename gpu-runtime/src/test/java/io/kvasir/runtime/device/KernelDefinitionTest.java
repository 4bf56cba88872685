package io.kvasir.runtime.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.cpu.CpuDevice;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The scalar twins against independent f64 sums: the contract test shows that all devices equal the
 * twins, this one that the twins are right.
 */
class KernelDefinitionTest {
  private final SplittableRandom random = new SplittableRandom(11);
  private Device device;

  @BeforeEach
  void open() {
    device = CpuDevice.openScalar();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void shouldMultiplyWithinFormatPrecision() {
    double[] tolerance = {1e-6, 5e-3, 6e-4, 6e-3, 0.09};
    int in = 200;
    int out = 37;
    TestMatrix matrix = TestMatrix.random(random, out, in);
    float[] x = values(in);
    for (WeightFormat format : WeightFormat.values()) {
      DeviceFloats y = device.floats(out);
      device
          .kernels()
          .linear(
              upload(x),
              0,
              in,
              1,
              device.pack(format, matrix),
              0,
              1,
              null,
              y,
              0,
              out,
              Kernels.Store.SET);
      float[] actual = download(y);
      for (int c = 0; c < out; c++) {
        double sum = 0;
        double size = 0;
        for (int k = 0; k < in; k++) {
          double product = (double) x[k] * matrix.values()[c * in + k];
          sum += product;
          size += Math.abs(product);
        }
        assertEquals(sum, actual[c], tolerance[format.ordinal()] * size, format + " column " + c);
      }
    }
  }

  @Test
  void shouldChainFmaInAscendingInputOrder() {
    int in = 77;
    TestMatrix matrix = TestMatrix.random(random, 3, in);
    float[] x = values(in);
    DeviceFloats y = device.floats(3);
    device
        .kernels()
        .linear(
            upload(x),
            0,
            in,
            1,
            device.pack(WeightFormat.F32, matrix),
            0,
            1,
            null,
            y,
            0,
            3,
            Kernels.Store.SET);
    float[] actual = download(y);
    for (int c = 0; c < 3; c++) {
      float chain = 0f;
      for (int k = 0; k < in; k++) {
        chain = Math.fma(x[k], matrix.values()[c * in + k], chain);
      }
      assertEquals(chain, actual[c]);
    }
  }

  @Test
  void shouldScaleBlocksOf32WithOneFmaEach() {
    int in = 70;
    TestMatrix matrix = TestMatrix.random(random, 1, in);
    float[] x = values(in);
    DeviceFloats y = device.floats(1);
    device
        .kernels()
        .linear(
            upload(x),
            0,
            in,
            1,
            device.pack(WeightFormat.INT8, matrix),
            0,
            1,
            null,
            y,
            0,
            1,
            Kernels.Store.SET);
    float total = 0f;
    for (int from = 0; from < in; from += 32) {
      int to = Math.min(in, from + 32);
      float most = 0f;
      for (int k = from; k < to; k++) {
        most = Math.max(most, Math.abs(matrix.values()[k]));
      }
      float scale = most / 127f;
      float chain = 0f;
      for (int k = from; k < to; k++) {
        chain = Math.fma(x[k], (float) Math.rint((double) matrix.values()[k] / scale), chain);
      }
      total = Math.fma(chain, scale, total);
    }
    assertEquals(total, download(y)[0]);
  }

  @Test
  void shouldAttendLikeDenseSoftmax() {
    int entries = 45;
    int width = 8;
    FrameLayout layout = new FrameLayout(PageEncoding.F32, 16, width, width, true);
    try (PageMemory memory = device.pages(3 * layout.frameBytes())) {
      float[] kv = values(entries * 2 * width);
      KvView view = new KvView();
      view.frames = new long[] {2 * layout.frameBytes(), 0, layout.frameBytes()};
      view.entryCounts = new int[] {entries};
      KvWritePlan write = new KvWritePlan();
      write.layout = layout;
      write.kvHeadCount = 1;
      write.memory = memory;
      write.ensure(entries, 1, 1);
      write.count = entries;
      for (int e = 0; e < entries; e++) {
        write.row[e] = e;
        write.frame[e] = view.frameAddress(0, e / 16);
        write.slot[e] = e % 16;
      }
      DeviceFloats source = upload(kv);
      device.kernels().writeKv(write, source, 0, source, width, 2 * width);
      float[] q = values(2 * width);
      AttentionPlan plan = plan(layout, memory, view, 30);
      DeviceFloats sums = device.floats(entries);
      plan.statistics =
          new AttentionStatistic[] {
            new AttentionStatistic(
                0, new int[] {0}, 0, entries, AttentionStatistic.Rows.SUM, 2, sums, 0)
          };
      DeviceFloats out = device.floats(2L * width);
      device.kernels().attend(plan, upload(q), 0, 2 * width, out, 0, 2 * width);
      float[] actual = download(out);
      double[] shares = new double[entries];
      for (int h = 0; h < 2; h++) {
        double[] p = dense(q, h * width, kv, width, 31);
        for (int c = 0; c < width; c++) {
          double sum = 0;
          for (int e = 0; e < p.length; e++) {
            sum += p[e] * kv[e * 2 * width + width + c];
            shares[e] += c == 0 ? p[e] : 0;
          }
          assertEquals(sum, actual[h * width + c], 1e-6, "head " + h + " channel " + c);
        }
      }
      float[] taken = download(sums);
      for (int e = 0; e < entries; e++) {
        assertEquals(shares[e], taken[e], 1e-6, "statistic of entry " + e);
      }
    }
  }

  /** One row of index {@code index}, two heads on one KV head. */
  private static AttentionPlan plan(FrameLayout layout, PageMemory memory, KvView view, int index) {
    AttentionPlan plan = new AttentionPlan();
    plan.headCount = 2;
    plan.kvHeadCount = 1;
    plan.layout = layout;
    plan.scale = 0.5f;
    plan.memory = memory;
    plan.rowCount = 1;
    plan.rowIndex[0] = index;
    plan.rowSelfEntry[0] = index;
    plan.segmentCount = 1;
    plan.segmentRowCount[0] = 1;
    plan.segmentView[0] = view;
    return plan;
  }

  private static double[] dense(float[] q, int at, float[] kv, int width, int seen) {
    double[] p = new double[seen];
    double sum = 0;
    for (int e = 0; e < seen; e++) {
      double score = 0;
      for (int c = 0; c < width; c++) {
        score += (double) q[at + c] * kv[e * 2 * width + c];
      }
      p[e] = Math.exp(0.5 * score);
      sum += p[e];
    }
    for (int e = 0; e < seen; e++) {
      p[e] /= sum;
    }
    return p;
  }

  @Test
  void shouldFillDownloadsOnlyAfterAwaitOnAnAsynchronousDevice() {
    try (AsyncScalarDevice async = new AsyncScalarDevice()) {
      DeviceFloats floats = async.floats(3);
      async.upload(new float[] {1, 2, 3}, 0, floats, 0, 3);
      float[] target = new float[3];
      Event before = async.record();
      async.download(floats, 0, target, 0, 3);
      Event after = async.record();
      async.await();
      assertTrue(before.isDone() && after.isDone());
      assertEquals(2f, target[1]);
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

  private float[] download(DeviceFloats floats) {
    float[] values = new float[(int) floats.count()];
    device.download(floats, 0, values, 0, values.length);
    device.await();
    return values;
  }
}
