package io.kvasir.transport.driver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/**
 * Names a process for good: a pid alone is given out again.
 *
 * @param spaceTag of the kernel's boot and the pid namespace in which {@code pid} means something
 * @param start when it began: clock ticks after boot where there is a /proc, else milliseconds
 */
record ProcessIdentity(int spaceTag, long pid, long start) {
  private static final int STATE_FIELD = 0;
  private static final int START_FIELD = 19;
  private static final Path PROC = Path.of("/proc");
  private static final ProcessIdentity CURRENT = read(ProcessHandle.current().pid());

  /** This process. */
  static ProcessIdentity current() {
    return CURRENT;
  }

  private static ProcessIdentity read(long pid) {
    return new ProcessIdentity(readSpaceTag(), pid, startOf(pid));
  }

  private static int readSpaceTag() {
    try {
      String boot = Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
      return (boot + Files.readSymbolicLink(PROC.resolve("self/ns/pid"))).hashCode();
    } catch (IOException e) {
      return System.getProperty("os.name").hashCode();
    }
  }

  /** Whether its pid can be looked up from here. */
  boolean isOfThisSpace() {
    return spaceTag == CURRENT.spaceTag;
  }

  /** Whether it still runs, a stopped one included; only for a process of this space. */
  boolean isAlive() {
    return startOf(pid) == start;
  }

  /** Start of a live process; −1 when there is none of this pid or it is a zombie. */
  static long startOf(long pid) {
    if (!Files.isDirectory(PROC.resolve("self"))) {
      return ProcessHandle.of(pid)
          .flatMap(handle -> handle.info().startInstant())
          .map(Instant::toEpochMilli)
          .orElse(-1L);
    }
    String text;
    try {
      text =
          Files.readString(
              PROC.resolve(Long.toString(pid)).resolve("stat"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return -1;
    }
    // The command stands in parentheses and may itself hold spaces and parentheses.
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
    boolean dead = fields[STATE_FIELD].equals("Z") || fields[STATE_FIELD].equals("X");
    return dead ? -1 : Long.parseLong(fields[START_FIELD]);
  }
}
