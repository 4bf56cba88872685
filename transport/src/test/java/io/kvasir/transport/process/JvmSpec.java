package io.kvasir.transport.process;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What to start: a main class in a JVM with the project's {@code jvm.options}. Immutable; each
 * {@code with…} gives a changed copy.
 *
 * @param name of its log files; unique within a fixture
 * @param mainClass fully qualified
 * @param classPath as {@code -cp} takes it
 * @param jvmFlags beside the project's; system properties go here
 * @param arguments of the main method
 * @param ready a line of stdout in which this pattern is found means "ready"; null when the process
 *     has no such line
 */
public record JvmSpec(
    String name,
    String mainClass,
    String classPath,
    List<String> jvmFlags,
    List<String> arguments,
    Pattern ready) {
  private static final List<String> SMALL = List.of("-XX:+UseSerialGC", "-Xmx256m", "-Xshare:auto");

  public JvmSpec {
    if (!name.matches("[A-Za-z0-9._-]{1,64}")) {
      throw new IllegalArgumentException(
          "name=" + name + " becomes a file name, use 1 to 64 letters, digits, dots and dashes");
    }
    jvmFlags = List.copyOf(jvmFlags);
    arguments = List.copyOf(arguments);
  }

  /** {@code main} with this JVM's class path and a small heap. */
  public static JvmSpec of(String name, Class<?> main, String... arguments) {
    return new JvmSpec(
        name,
        main.getName(),
        System.getProperty("java.class.path"),
        SMALL,
        List.of(arguments),
        null);
  }

  /** The same, with a line to wait for. */
  public JvmSpec withReady(String regex) {
    return new JvmSpec(name, mainClass, classPath, jvmFlags, arguments, Pattern.compile(regex));
  }

  /** The same, with another class path. */
  public JvmSpec withClassPath(String path) {
    return new JvmSpec(name, mainClass, path, jvmFlags, arguments, ready);
  }

  /** The same, with further JVM flags; a later flag wins over an earlier one. */
  public JvmSpec withJvmFlags(String... flags) {
    List<String> all = new ArrayList<>(jvmFlags);
    all.addAll(List.of(flags));
    return new JvmSpec(name, mainClass, classPath, all, arguments, ready);
  }

  /** The command line, for those who must wrap it. */
  public List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + jvmOptions());
    command.add("-D" + TestTime.FACTOR_PROPERTY + "=" + TestTime.factor());
    command.addAll(jvmFlags);
    command.add("-cp");
    command.add(classPath);
    command.add(mainClass);
    command.addAll(arguments);
    return command;
  }

  /** Surefire names the root; elsewhere it is found upwards from the working folder. */
  static Path jvmOptions() {
    String root = System.getProperty("kvasir.root");
    Path folder = Path.of(root == null ? "" : root).toAbsolutePath();
    for (; folder != null; folder = folder.getParent()) {
      Path options = folder.resolve("cluster-config").resolve("jvm.options");
      if (Files.isRegularFile(options)) {
        return options;
      }
    }
    throw new IllegalStateException(
        "cluster-config/jvm.options is in no folder above "
            + Path.of("").toAbsolutePath()
            + ", set -Dkvasir.root to the project's folder");
  }
}
