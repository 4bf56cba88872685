package io.kvasir.runtime.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Interpreted and compiled code of one JVM leave equal bits. */
class InterpretedBitsTest {
  private static final long SEED = 7L;

  @Test
  void shouldLeaveEqualBitsInterpretedAndCompiled() throws IOException, InterruptedException {
    Process child = start();
    String digest;
    try (Device device = Devices.cpu(2)) {
      for (int i = 0; i < 30; i++) {
        KernelBattery.run(device, SEED, true);
      }
      digest = BatteryDigest.of(device, SEED);
    }
    String printed;
    try {
      printed = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(child.waitFor(2, TimeUnit.MINUTES), "the interpreted JVM did not end");
    } finally {
      child.destroyForcibly();
    }
    assertEquals(digest, printed.strip().lines().reduce((a, b) -> b).orElse(""), printed);
  }

  private static Process start() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xint");
    command.add("@" + Path.of(System.getProperty("kvasir.root"), "cluster-config", "jvm.options"));
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(BatteryDigest.class.getName());
    command.add(Long.toString(SEED));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }
}
