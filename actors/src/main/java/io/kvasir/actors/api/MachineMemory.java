package io.kvasir.actors.api;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How much memory this process may use. */
final class MachineMemory {
  /** A container's limit, as the second and the first version of control groups tell it. */
  private static final List<Path> LIMITS =
      List.of(
          Path.of("/sys/fs/cgroup/memory.max"),
          Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));

  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private MachineMemory() {}

  /** Memory of the machine, or of the container where that is less. */
  static long totalBytes() {
    try {
      // Small files: the management beans would cost a tenth of a second of start-up.
      return limitedBytes(memInfoBytes(Files.readAllLines(MEMINFO)), LIMITS);
    } catch (IOException | IllegalArgumentException notLinux) {
      return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean bean
          ? bean.getTotalMemorySize()
          : Runtime.getRuntime().maxMemory();
    }
  }

  /** The least of the machine's bytes and of the limits that exist. */
  static long limitedBytes(long machineBytes, List<Path> limits) throws IOException {
    long bytes = machineBytes;
    for (Path limit : limits) {
      if (Files.isReadable(limit)) {
        String text = Files.readString(limit).strip();
        if (!text.equals("max")) {
          bytes = Math.min(bytes, Long.parseLong(text));
        }
      }
    }
    return bytes;
  }

  static long memInfoBytes(List<String> lines) {
    for (String line : lines) {
      if (line.startsWith("MemTotal:")) {
        String[] words = line.substring("MemTotal:".length()).strip().split("\\s+");
        return Long.parseLong(words[0]) * 1024;
      }
    }
    throw new IllegalArgumentException("no MemTotal");
  }
}
