package io.kvasir.transport.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Frames cost no allocation: measured over all threads of a JVM that does nothing else. */
@ExtendWith(ProcessExtension.class)
class AllocationTest {
  /** What a transfer, its verdicts and the measurement itself cost, spread over its frames. */
  private static final double NOISE_BYTES_PER_FRAME = 1;

  /**
   * @param rounds at most, until compiled code runs: interpreted, the embedded driver's loops
   *     allocate, and on a busy machine compilers take their time
   */
  private static double bytesPerFrame(ProcessFixture fixture, String medium, int rounds)
      throws IOException {
    ChildProcess child =
        fixture.start(
            JvmSpec.of(
                medium,
                BulkRate.class,
                medium,
                "1408",
                Integer.toString(16 << 20),
                "4",
                Integer.toString(rounds),
                "false",
                Integer.toString(1 << 20)));
    double bytes =
        Double.parseDouble(child.awaitLine("[0-9.]+ ([0-9.]+)", Duration.ofMinutes(5)).group(1));
    // Its driver removes its folder from /dev/shm as it ends; killed, it would leave it there.
    assertEquals(0, child.awaitExit(Duration.ofSeconds(60)));
    return bytes;
  }

  @Test
  void shouldAllocateNothingPerFrameOverSharedMemory(ProcessFixture fixture) throws IOException {
    double bytes = bytesPerFrame(fixture, "ipc", 1000);
    assertTrue(bytes < NOISE_BYTES_PER_FRAME, "bytes per frame: " + bytes);
  }

  @Test
  void shouldAllocateNothingPerFrameOverUdp(ProcessFixture fixture) throws IOException {
    double bytes = bytesPerFrame(fixture, "udp", 500);
    assertTrue(bytes < NOISE_BYTES_PER_FRAME, "bytes per frame: " + bytes);
  }
}
