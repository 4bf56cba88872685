package io.kvasir.transport.survive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Bulk in both directions beside a latency lane, over shared memory and sealed over UDP at once:
 * briefly in the everyday run, for {@code -Dkvasir.soak.seconds} (600) in the slow one. Ends with
 * flat memory, no lease, no driver error, no log and no folder.
 */
@ExtendWith(ProcessExtension.class)
class SoakTest {
  private static final Pattern SAMPLE =
      Pattern.compile("rounds=(\\d+)/(\\d+) .*heapKiB=(\\d+) directKiB=(\\d+) residentKiB=(\\d+)");
  private static final int HEAP = 3;
  private static final int DIRECT = 4;
  private static final int RESIDENT = 5;

  @Test
  void shouldMoveBulkBothWaysBesideTheLatencyLane(ProcessFixture fixture) throws IOException {
    List<Matcher> samples = run(fixture, 3);
    Matcher last = samples.getLast();
    assertTrue(value(last, 1) > 2 && value(last, 2) > 2, last::toString);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void shouldStayFlatForTenMinutes(ProcessFixture fixture) throws IOException {
    List<Matcher> samples = run(fixture, Integer.getInteger("kvasir.soak.seconds", 600));
    // By the third sample all code is compiled and every pool has its size.
    Matcher early = samples.get(2);
    Matcher last = samples.getLast();
    assertTrue(value(last, 1) > 10 * value(samples.getFirst(), 1) / 2, "rounds go on");
    assertTrue(value(last, HEAP) - value(early, HEAP) < 4 << 10, "the heap grew");
    assertTrue(value(last, DIRECT) - value(early, DIRECT) < 1 << 10, "direct memory grew");
    assertTrue(value(last, RESIDENT) - value(early, RESIDENT) < 32 << 10, "the process grew");
  }

  private static long value(Matcher sample, int group) {
    return Long.parseLong(sample.group(group));
  }

  private static List<Matcher> run(ProcessFixture fixture, int seconds) throws IOException {
    ChildProcess child =
        fixture.start(
            JvmSpec.of("soak", SoakMain.class, Integer.toString(seconds))
                .withJvmFlags("-Xms256m", "-XX:+AlwaysPreTouch"));
    int exitCode = child.awaitExit(Duration.ofSeconds(seconds + 300L));
    String said = Files.readString(child.stdout());
    System.out.println(said);
    assertEquals(0, exitCode, child::lastWords);
    assertTrue(
        said.contains("end leases=0 failures=0 driverErrors=0 foldersLeft=false"), said::strip);
    List<Matcher> samples = said.lines().map(SAMPLE::matcher).filter(Matcher::find).toList();
    assertEquals(10, samples.size(), said);
    return samples;
  }
}
