package io.kvasir.runtime.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.cpu.CpuDevice;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every device leaves the scalar twins' bits, whatever its threads, width, pages and batches. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeviceContractTest {
  private static final long SEED = Long.getLong("kvasir.test.seed", 20261123L);

  private List<Device> devices;
  private Device scalar;
  private Map<String, float[]> expected;

  @BeforeAll
  void openDevices() {
    devices = TestDevices.all();
    scalar = CpuDevice.openScalar();
    expected = KernelBattery.run(scalar, SEED, false);
  }

  @AfterAll
  void closeDevices() {
    devices.forEach(Device::close);
    scalar.close();
  }

  List<Device> devices() {
    return devices;
  }

  @ParameterizedTest(name = "{index}", autoCloseArguments = false)
  @MethodSource("devices")
  void shouldLeaveTheScalarTwinsBitsInEveryKernel(Device device) {
    Map<String, float[]> actual = KernelBattery.run(device, SEED, false);
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, values) -> assertSameBits(device, name, values, actual.get(name)));
    assertEquals(scalar.arithmetic(), device.arithmetic());
  }

  @ParameterizedTest(name = "{index}", autoCloseArguments = false)
  @MethodSource("devices")
  void shouldAttendWithEqualBitsForAnyPageSizeAndBatch(Device device) {
    SplittableRandom seeds = new SplittableRandom(SEED);
    for (int c = 0; c < 12; c++) {
      AttentionCase attention = new AttentionCase(seeds.nextLong(), false);
      float[] reference = attention.run(scalar);
      for (int slots : new int[] {16, 48, 64}) {
        attention.slots = slots;
        assertSameBits(
            device, "slots " + slots + " " + attention, reference, attention.run(device));
      }
      attention.splitBatches = true;
      assertSameBits(device, "split " + attention, reference, attention.run(device));
    }
  }

  @Test
  void shouldTestEveryThreadCountAndTheAsynchronousDevice() {
    assertTrue(devices.size() >= 5, "devices=" + devices.size());
  }

  static void assertSameBits(Device device, String what, float[] expected, float[] actual) {
    assertEquals(expected.length, actual.length, what);
    for (int i = 0; i < expected.length; i++) {
      if (Float.floatToIntBits(expected[i]) != Float.floatToIntBits(actual[i])) {
        throw new AssertionError(
            device.name()
                + ", seed "
                + SEED
                + ": "
                + what
                + " ["
                + i
                + "] expected "
                + AttentionCase.hex(expected[i])
                + " but was "
                + AttentionCase.hex(actual[i]));
      }
    }
  }
}
