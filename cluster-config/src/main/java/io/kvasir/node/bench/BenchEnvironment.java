package io.kvasir.node.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The line that makes a figure repeatable: machine, JDK, commit, seed. */
public final class BenchEnvironment {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  private BenchEnvironment() {}

  /** Reads the machine; an item that cannot be found reads {@code unknown}. */
  public static Map<String, String> of(long seed) {
    Map<String, String> items = new LinkedHashMap<>();
    List<String> cpu = lines(CPUINFO);
    items.put("cpu", field(cpu, "model name"));
    items.put("flags", vectorFlags(field(cpu, "flags")));
    items.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    items.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    items.put(
        "jdk", System.getProperty("java.vendor") + " " + System.getProperty("java.vm.version"));
    items.put("commit", commit());
    items.put("seed", Long.toString(seed));
    return items;
  }

  /** Processor time that this process has had. */
  static long processCpuNs() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }

  private static String field(List<String> cpuinfo, String name) {
    return cpuinfo.stream()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("unknown");
  }

  private static String vectorFlags(String flags) {
    String known =
        Stream.of(flags.split(" "))
            .filter(
                flag -> flag.matches("avx2|avx512f|avx512_vnni|avx512_bf16|fma|asimd|sve.*|amx.*"))
            .collect(Collectors.joining(","));
    return known.isEmpty() ? "unknown" : known;
  }

  private static String commit() {
    try {
      Process git =
          new ProcessBuilder("git", "describe", "--always", "--dirty", "--abbrev=12")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String text = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      boolean ended = git.waitFor(5, TimeUnit.SECONDS) && git.exitValue() == 0;
      return ended && !text.isEmpty() ? text : "unknown";
    } catch (IOException e) {
      return "unknown";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "unknown";
    }
  }
}
