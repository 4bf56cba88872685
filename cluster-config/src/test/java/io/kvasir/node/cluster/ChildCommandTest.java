package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

final class ChildCommandTest {
  @Test
  void shouldTakeAHeapThatTheOperatorSizedAtOnceAndLetAComputedOneGrow() {
    assertEquals(List.of("-Xmx512m"), ChildCommand.heap(512, null));
    assertEquals(List.of("-Xmx3g", "-Xms3g", "-XX:+AlwaysPreTouch"), ChildCommand.heap(512, "3g"));
  }
}
