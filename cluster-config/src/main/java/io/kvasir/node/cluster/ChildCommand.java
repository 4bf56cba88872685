package io.kvasir.node.cluster;

import io.kvasir.node.KvasirCommand;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of a process of its own: this JVM's flags and class path, another heap. */
public final class ChildCommand {
  private ChildCommand() {}

  /**
   * @param heapMib −Xmx of the child; the environment's KVASIR_HEAP wins over it
   * @param flags further flags of the child
   * @param arguments of {@code kvasir}
   */
  public static List<String> of(long heapMib, List<String> flags, List<String> arguments) {
    return of(heapMib, flags, KvasirCommand.class, arguments);
  }

  /** The same with another main class than the command's. */
  public static List<String> of(
      long heapMib, List<String> flags, Class<?> main, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      // A debugger's port and a dump's file are this process's own.
      if (!flag.startsWith("-Xm") && !flag.startsWith("-agentlib") && !isOurs(flag)) {
        command.add(flag);
      }
    }
    command.addAll(flags);
    String heap = System.getenv("KVASIR_HEAP");
    command.add("-Xmx" + (heap == null ? heapMib + "m" : heap));
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    return command;
  }

  private static boolean isOurs(String flag) {
    return flag.startsWith("-XX:AOTCacheOutput") || flag.startsWith("-XX:AOTMode");
  }
}
