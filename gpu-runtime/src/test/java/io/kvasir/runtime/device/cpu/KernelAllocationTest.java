package io.kvasir.runtime.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.kvasir.runtime.device.AttentionPlan;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.FreshJvm;
import io.kvasir.runtime.device.Kernels;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.PageMemory;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** The kernels of a steady step allocate nothing once compiled. */
public class KernelAllocationTest {
  @Test
  void shouldAllocateNothingInASteadyStep() throws Exception {
    assertEquals("0", FreshJvm.run(KernelAllocationTest.class), "bytes a step");
  }

  /** Prints the bytes of the best of the last steps. */
  public static void main(String[] args) {
    try (CpuDevice device = CpuDevice.open(1)) {
      System.out.println(leastBytesOfAStep(device));
    }
  }

  private static long leastBytesOfAStep(CpuDevice device) {
    int width = 96;
    Weight weight = device.pack(WeightFormat.BF16, constant(width, width, 0.5f, 1, 1));
    Weight quantised = device.pack(WeightFormat.INT8, constant(width, width, 0.5f, 1, 1));
    DeviceFloats x = device.floats(16L * width);
    DeviceFloats y = device.floats(16L * width);
    FrameLayout layout = new FrameLayout(PageEncoding.BF16, 32, 32, 32, true);
    try (PageMemory memory = device.pages(4 * layout.frameBytes())) {
      device.uploadPages(
          java.lang.foreign.MemorySegment.ofArray(new byte[(int) memory.bytes()]), memory, 0);
      AttentionPlan plan = plan(layout, memory);
      Kernels kernels = device.kernels();
      Runnable step =
          () -> {
            for (int rows = 1; rows <= 16; rows *= 4) {
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
      return least;
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
}
