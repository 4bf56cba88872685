package io.kvasir.transport.process;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * A shell that outlives its parent and then kills the parent's children. It reads process names
 * (pid and start time, so that a reused pid is spared) from a pipe that only this JVM holds; when
 * this JVM ends, by whatever signal, the pipe ends too. A child's own watchdog could not do that
 * while the child is stopped. For one thread.
 */
final class Guardian implements AutoCloseable {
  private static final String SCRIPT =
      """
      trap '' INT HUP TERM
      children=
      while read -r pid start; do
        children="$children $pid:$start"
      done
      for child in $children; do
        pid=${child%%:*}
        # Field 22 of the whole line; the name in parentheses may hold spaces.
        now=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)
        [ "$now" = "${child##*:}" ] && kill -KILL "$pid"
      done
      exit 0
      """;
  private final Process shell;
  private final OutputStream pipe;

  Guardian() throws IOException {
    shell =
        new ProcessBuilder("/bin/sh", "-c", SCRIPT)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    pipe = shell.getOutputStream();
  }

  /** From now on {@code pid} dies with this JVM. */
  void watch(long pid) throws IOException {
    String line = pid + " " + ProcStat.of(pid).startTicks() + "\n";
    pipe.write(line.getBytes(StandardCharsets.UTF_8));
    pipe.flush();
  }

  /** Ends the shell; children that it still watched are killed by it. */
  @Override
  public void close() throws IOException {
    pipe.close();
    try {
      if (!shell.waitFor(10, TimeUnit.SECONDS)) {
        shell.destroyForcibly();
      }
    } catch (InterruptedException e) {
      shell.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
