package io.kvasir.node.cluster;

import io.kvasir.node.KvasirCommand;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The command line of a process of its own: this JVM's flags and class path, another heap. */
public final class ChildCommand {
  /** Clears the whole heap before the program starts. */
  private static final String PRE_TOUCH = "-XX:+AlwaysPreTouch";

  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,15})([kmgt]?)", Pattern.CASE_INSENSITIVE);

  /**
   * A tenth of a heap of 2.5 GiB; more would take room from weights and seldom make a pause rarer.
   */
  private static final long MAX_YOUNG_MIB = 256;

  /** What bin/kvasir gives every node. */
  private static final long MIN_YOUNG_MIB = 64;

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
   * untouched pages pauses it for as long as the system needs to clear them. As it is taken whole,
   * a larger young generation costs nothing, and collections come the more seldom: each takes a few
   * milliseconds however little it moves, twice a second under a thousand lookups a second.
   *
   * @param chosen as -Xmx takes it, or null where nobody has chosen
   */
  public static List<String> heap(long heapMib, String chosen) {
    if (chosen == null) {
      return List.of("-Xmx" + heapMib + "m");
    }
    List<String> flags = new ArrayList<>(List.of("-Xmx" + chosen, "-Xms" + chosen, PRE_TOUCH));
    long young = Math.min(mebibytes(chosen) / 10, MAX_YOUNG_MIB);
    if (young > MIN_YOUNG_MIB) {
      flags.add("-Xmn" + young + "m");
    }
    return flags;
  }

  /** 0 for what is no size: the JVM says so better. */
  private static long mebibytes(String size) {
    Matcher parts = SIZE.matcher(size);
    if (!parts.matches()) {
      return 0;
    }
    long number = Long.parseLong(parts.group(1));
    return switch (parts.group(2).toLowerCase(Locale.ROOT)) {
      case "k" -> number >> 10;
      case "m" -> number;
      case "g" -> number << 10;
      case "t" -> number << 20;
      default -> number >> 20;
    };
  }

  private static boolean isOurs(String flag) {
    return flag.startsWith("-XX:AOTCacheOutput") || flag.startsWith("-XX:AOTMode");
  }
}
