package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.model.SeamHarness;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps in Flight Recorder. */
final class EngineStepEventTest {
  @TempDir private Path folder;

  @Test
  void shouldRecordEachStepWithItsOwnDuration() throws Exception {
    Path file = folder.resolve("steps.jfr");
    try (Recording recording = new Recording();
        EngineHarness h = EngineHarness.open(8 << 20, 128)) {
      recording.enable("kvasir.EngineStep");
      recording.start();
      h.submit("a", SeamHarness.tokens(30, 0), EngineHarness.greedy(3));
      h.submit("b", SeamHarness.tokens(20, 1), EngineHarness.greedy(3));
      h.runAll();
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertEquals(List.of(50, 2, 2), events.stream().map(e -> e.getInt("rows")).toList());
    assertEquals(List.of(2, 2, 2), events.stream().map(e -> e.getInt("requests")).toList());
    assertTrue(events.stream().allMatch(e -> e.getDuration().isPositive()), events.toString());
    assertTrue(events.get(1).getStartTime().isAfter(events.get(0).getEndTime()));
  }
}
