package io.kvasir.runtime.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvasir.runtime.device.cpu.CpuDevice;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Checksums of pages are those of the bytes that were uploaded, on every device. */
final class PageChecksumTest {
  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  private static int crc(byte[] bytes, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, length);
    return (int) crc.getValue();
  }

  private static void assertSums(Device device, PageMemory pages, long offsetBytes) {
    byte[] written = bytes(3 * 448);
    device.uploadPages(MemorySegment.ofArray(written), pages, offsetBytes);
    int[] sums = {-1, -1, -1, -1};
    device.checksumPages(pages, offsetBytes, 448, 3, sums, 1);
    int[] expected = {-1, crc(written, 0, 448), crc(written, 448, 448), crc(written, 896, 448)};
    assertArrayEquals(expected, sums, device.name() + " at " + offsetBytes);
  }

  @Test
  void shouldSumWhatWasUploadedOnEveryDevice() {
    List<Device> devices = TestDevices.all();
    for (Device device : devices) {
      try (PageMemory pages = device.pages(1 << 16)) {
        assertSums(device, pages, 0);
        assertSums(device, pages, 4096);
        assertSums(device, pages, (1 << 16) - 3 * 448);
      }
    }
    devices.forEach(Device::close);
  }

  @Test
  void shouldSumAcrossTheEndsOfByteBuffers() {
    long gib = 1L << 30;
    try (Device device = CpuDevice.openScalar();
        PageMemory pages = device.pages(2 * gib + 4096)) {
      for (long at : new long[] {gib - 448, gib - 64, gib, 2 * gib - 448, 2 * gib - 1024}) {
        assertSums(device, pages, at);
      }
      assertSums(device, pages, 2 * gib + 4096 - 3 * 448);
      assertThrows(
          DeviceException.class,
          () -> device.checksumPages(pages, 2 * gib + 4096 - 448, 448, 2, new int[2], 0));
    }
  }
}
