package io.kvasir.runtime.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.PageMemory;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class CpuDeviceTest {
  private Device device;

  @BeforeEach
  void open() {
    device = CpuDevice.open(1);
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void shouldRefuseMoreFloatsThanAnArrayHolds() {
    assertRefused("count=4294967296", () -> device.floats(1L << 32));
  }

  @Test
  void shouldRefuseAnArenaLargerThanMemory() {
    assertRefused("bytes=" + (1L << 50), () -> device.pages(1L << 50));
  }

  @Test
  void shouldRefuseWeightsThatAreNotFinite() {
    assertRefused(
        "row 1 column 2 value=NaN",
        () -> device.pack(WeightFormat.INT8, constant(3, 5, Float.NaN, 1, 2)));
    assertRefused(
        "is not finite in F16", () -> device.pack(WeightFormat.F16, constant(3, 5, 7e4f, 1, 2)));
    assertRefused(
        "row 0 column 4 value=Infinity",
        () -> device.packTable(WeightFormat.F32, constant(3, 5, Float.POSITIVE_INFINITY, 0, 4)));
  }

  @Test
  void shouldRefuseRangesOutsideABuffer() {
    DeviceFloats floats = device.floats(10);
    assertRefused("[4, 14)", () -> device.upload(new float[10], 0, floats, 4, 10));
    assertRefused("rmsNorm x", () -> device.kernels().rmsNorm(floats, floats, 1e-5f, 3, 4, floats));
    floats.close();
    assertRefused("closed", () -> device.download(floats, 0, new float[1], 0, 1));
  }

  @Test
  void shouldRefuseQuantisedTablesAndUnevenParts() {
    assertRefused("INT8", () -> device.packTable(WeightFormat.INT8, constant(2, 2, 1, 0, 0)));
    assertRefused(
        "columns=3 != columns=2",
        () -> device.pack(WeightFormat.F32, constant(2, 2, 1, 0, 0), constant(2, 3, 1, 0, 0)));
    assertRefused("0 parts", () -> device.pack(WeightFormat.F32));
  }

  @Test
  void shouldRefuseThreadCountsThatMakeNoSense() {
    assertRefused("threads=0", () -> CpuDevice.open(0));
  }

  @Test
  void shouldAllocateNothingInASteadyStep() {
    int width = 96;
    Weight weight = device.pack(WeightFormat.BF16, constant(width, width, 0.5f, 1, 1));
    Weight quantised = device.pack(WeightFormat.INT8, constant(width, width, 0.5f, 1, 1));
    DeviceFloats x = device.floats(4L * width);
    DeviceFloats y = device.floats(4L * width);
    FrameLayout layout = new FrameLayout(PageEncoding.BF16, 32, 32, 32, true);
    try (PageMemory memory = device.pages(4 * layout.frameBytes())) {
      device.uploadPages(
          java.lang.foreign.MemorySegment.ofArray(new byte[(int) memory.bytes()]), memory, 0);
      AttentionPlan plan = plan(layout, memory);
      Kernels kernels = device.kernels();
      Runnable step =
          () -> {
            for (int rows = 1; rows <= 4; rows += 3) {
              kernels.linear(x, 0, width, rows, weight, 0, 1, null, y, 0, width, Kernels.Store.SET);
              kernels.linear(
                  x, 0, width, rows, quantised, 0, 1, null, y, 0, width, Kernels.Store.ADD);
              kernels.rmsNorm(x, x, 1e-5f, rows, width, y);
              kernels.swiglu(x, rows, width / 2, y);
            }
            kernels.attend(plan, x, 0, 96, y, 0, 96);
          };
      for (int i = 0; i < 30_000; i++) {
        step.run();
      }
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long least = Long.MAX_VALUE;
      for (int i = 0; i < 50; i++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        step.run();
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, "bytes a step");
    }
  }

  /** Two rows of three heads on one KV head, 100 entries. */
  private static AttentionPlan plan(FrameLayout layout, PageMemory memory) {
    KvView view = new KvView();
    view.frames = new long[4];
    for (int p = 0; p < 4; p++) {
      view.frames[p] = p * layout.frameBytes();
    }
    view.entryCounts = new int[] {100};
    AttentionPlan plan = new AttentionPlan();
    plan.headCount = 3;
    plan.kvHeadCount = 1;
    plan.layout = layout;
    plan.scale = 1f;
    plan.memory = memory;
    plan.rowCount = 2;
    plan.rowIndex[0] = 98;
    plan.rowIndex[1] = 99;
    plan.segmentCount = 1;
    plan.segmentRowCount[0] = 2;
    plan.segmentView[0] = view;
    return plan;
  }

  /** All ones but for one value. */
  private static MatrixSource constant(
      int rows, int columns, float odd, int oddRow, int oddColumn) {
    return new MatrixSource() {
      @Override
      public int rows() {
        return rows;
      }

      @Override
      public int columns() {
        return columns;
      }

      @Override
      public WeightFormat stored() {
        return WeightFormat.F32;
      }

      @Override
      public void readRow(int row, float[] target, int offset) {
        for (int c = 0; c < columns; c++) {
          target[offset + c] = row == oddRow && c == oddColumn ? odd : 1f;
        }
      }
    };
  }

  private static void assertRefused(String part, Executable call) {
    String message = assertThrows(DeviceException.class, call).getMessage();
    assertTrue(message.contains(part), message);
  }
}
