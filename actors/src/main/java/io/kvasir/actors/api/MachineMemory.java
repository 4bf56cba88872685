package io.kvasir.actors.api;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How much memory this process may use. */
final class MachineMemory {
  private static final Path CGROUP = Path.of("/sys/fs/cgroup/memory.max");
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private MachineMemory() {}

  /** Memory of the machine, or of the container where that is less. */
  static long totalBytes() {
    try {
      // Two small files: the management beans would cost a tenth of a second of start-up.
      long bytes = memInfoBytes(Files.readAllLines(MEMINFO));
      if (Files.isReadable(CGROUP)) {
        String limit = Files.readString(CGROUP).strip();
        if (!limit.equals("max")) {
          bytes = Math.min(bytes, Long.parseLong(limit));
        }
      }
      return bytes;
    } catch (IOException | IllegalArgumentException notLinux) {
      return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean bean
          ? bean.getTotalMemorySize()
          : Runtime.getRuntime().maxMemory();
    }
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
