package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.runtime.engine.EngineStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestInbox;
import org.junit.jupiter.api.Test;

/** When a node tells its load: at once what is new, ever more seldom what is not. */
final class LoadReportsTest {
  private static final String MODEL = "m";
  private static final NodeInfo SELF =
      new NodeInfo(7, 70, "", "", Set.of(), "", List.of(), null, null, null);

  private final LoadReports reports =
      new LoadReports(List.of(new NodeDevice(MODEL, null, 8)), TimeUnit.SECONDS.toNanos(1));
  private final TestInbox<GenerationReply> gateway = TestInbox.create();

  private void observe(int running, long tenths) {
    long nowNs = TimeUnit.MILLISECONDS.toNanos(100 * tenths);
    if (reports.due(false, nowNs)) {
      EngineStats engine =
          new EngineStats(
              0, running, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000, 0, 0, 0, EngineStats.Blocks.NONE);
      reports.observe(SELF, MODEL, engine, List.of(), false, nowNs);
    }
  }

  /** Tenths of seconds at which the gateway hears an unchanged load. */
  private List<Long> heardAt(int running, long from, long to) {
    List<Long> heard = new ArrayList<>();
    for (long tenths = from; tenths < to; tenths++) {
      observe(running, tenths);
      if (gateway.hasMessages()) {
        assertEquals(1, gateway.getAllReceived().size());
        heard.add(tenths);
      }
    }
    return heard;
  }

  @Test
  void shouldTellAnUnchangedLoadEverMoreSeldomDownToEveryFourthInterval() {
    reports.watch(gateway.getRef(), Long.MAX_VALUE);
    assertEquals(List.of(10L, 20L, 40L, 80L, 120L, 160L), heardAt(0, 10, 200));
  }

  @Test
  void shouldTellAChangeAtOnceAndBeginAgain() {
    reports.watch(gateway.getRef(), Long.MAX_VALUE);
    heardAt(0, 10, 170);
    // Engines are asked once an interval, so a change waits no longer than that.
    assertEquals(List.of(170L, 180L, 200L), heardAt(3, 170, 210));
    assertEquals(List.of(210L), heardAt(0, 210, 215));
  }

  @Test
  void shouldAskEnginesOnceAnIntervalWhateverIsTold() {
    reports.watch(gateway.getRef(), Long.MAX_VALUE);
    heardAt(0, 10, 171);
    assertFalse(reports.due(false, TimeUnit.MILLISECONDS.toNanos(17_900)));
    assertTrue(reports.due(false, TimeUnit.MILLISECONDS.toNanos(18_000)));
  }
}
