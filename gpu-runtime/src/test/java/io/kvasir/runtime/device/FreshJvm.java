package io.kvasir.runtime.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs a main class in a JVM of its own with the node's flags. What the compiler makes of vector
 * code depends on everything that ran before, so allocation is measured where only one workload
 * has.
 */
public final class FreshJvm {
  private FreshJvm() {}

  /** The last line that {@code main} prints; it must end with 0 within two minutes. */
  public static String run(Class<?> main, String... flags)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.add("@" + Path.of(System.getProperty("kvasir.root"), "cluster-config", "jvm.options"));
    command.add("-Xmx512m");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String printed = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(child.waitFor(2, TimeUnit.MINUTES), "the child JVM did not end: " + printed);
      assertEquals(0, child.exitValue(), printed);
      return printed.strip().lines().reduce((a, b) -> b).orElse("");
    } finally {
      child.destroyForcibly();
    }
  }
}
