package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ChildCommandTest {
  @Test
  void shouldTakeAHeapThatTheOperatorSizedAtOnceAndLetAComputedOneGrow() {
    assertEquals(List.of("-Xmx512m"), ChildCommand.heap(512, null));
    assertEquals(
        List.of("-Xmx3g", "-Xms3g", "-XX:+AlwaysPreTouch", "-Xmn256m"),
        ChildCommand.heap(512, "3g"));
    assertEquals(
        List.of("-Xmx1000M", "-Xms1000M", "-XX:+AlwaysPreTouch", "-Xmn100m"),
        ChildCommand.heap(512, "1000M"));
    // The young generation that every node has is large enough for it.
    assertEquals(
        List.of("-Xmx600m", "-Xms600m", "-XX:+AlwaysPreTouch"), ChildCommand.heap(512, "600m"));
    // The JVM tells what is wrong with this.
    assertEquals(
        List.of("-Xmxlots", "-Xmslots", "-XX:+AlwaysPreTouch"), ChildCommand.heap(512, "lots"));
  }
}
