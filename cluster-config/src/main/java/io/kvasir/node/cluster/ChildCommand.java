package io.kvasir.node.cluster;

import io.kvasir.node.KvasirCommand;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of a process of its own: this JVM's flags and class path, another heap. */
public final class ChildCommand {
  /** Clears the whole heap before the program starts. */
  public static final String PRE_TOUCH = "-XX:+AlwaysPreTouch";

  private ChildCommand() {}

  /**
   * @param heapMib −Xmx of the child; the environment's KVASIR_HEAP wins over it, and is taken from
   *     the system at once
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
    command.addAll(heap(heapMib, System.getenv("KVASIR_HEAP")));
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    return command;
  }

  /**
   * A heap that the operator has sized is the node's from its start: what a collection moves into
   * untouched pages pauses it for as long as the system needs to clear them.
   */
  static List<String> heap(long heapMib, String chosen) {
    return chosen == null
        ? List.of("-Xmx" + heapMib + "m")
        : List.of("-Xmx" + chosen, "-Xms" + chosen, PRE_TOUCH);
  }

  private static boolean isOurs(String flag) {
    return flag.startsWith("-XX:AOTCacheOutput") || flag.startsWith("-XX:AOTMode");
  }
}
