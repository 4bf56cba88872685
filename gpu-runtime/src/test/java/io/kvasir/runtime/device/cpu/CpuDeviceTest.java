package io.kvasir.runtime.device.cpu;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.WeightFormat;
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
