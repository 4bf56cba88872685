package io.kvasir.transport.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * One reading of {@code /proc/PID/stat}. Linux only.
 *
 * @param state {@code R}, {@code S}, {@code T} (stopped), {@code Z} (zombie), … or {@code X} when
 *     there is no such process
 * @param startTicks when it began, in clock ticks after boot: with the pid it names a process for
 *     good
 */
record ProcStat(char state, long startTicks) {
  private static final int STATE_FIELD = 0;
  private static final int START_FIELD = 19;
  private static final ProcStat GONE = new ProcStat('X', -1);

  static ProcStat of(long pid) {
    String text;
    try {
      text =
          Files.readString(
              Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return GONE;
    }
    // The command stands in parentheses and may itself hold spaces and parentheses.
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
    return new ProcStat(fields[STATE_FIELD].charAt(0), Long.parseLong(fields[START_FIELD].strip()));
  }

  boolean isStopped() {
    return state == 'T' || state == 't';
  }

  boolean isGone() {
    return state == 'X' || state == 'Z';
  }
}
