package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.kvasir.runtime.model.SeamHarness;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Decoding, sampling and hand-over allocate nothing per token on the engine's thread. Pages are
 * taken and sealed on the way: 160 tokens cross ten page borders.
 */
final class SteadyStateAllocationTest {
  @Test
  void shouldNotAllocateWhileDecoding() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().threadId();
    try (EngineHarness h = EngineHarness.open(8 << 20, 64)) {
      SamplingParameters sampled =
          new SamplingParameters(1, 0.9f, 40, 0.01f, 5L, 460, 460, List.of(2), List.of());
      for (int i = 0; i < 4; i++) {
        h.submit("a", SeamHarness.tokens(20, i), i == 0 ? sampled : EngineHarness.greedy(460));
      }
      // Two steps prefill the 80 prompt rows; then the JIT warms up.
      h.core.step();
      h.core.step();
      step(h, 250);
      long before = threads.getThreadAllocatedBytes(thread);
      step(h, 160);
      long allocated = threads.getThreadAllocatedBytes(thread) - before;
      assertEquals(0, allocated / 160, "bytes per step of 4 tokens, in all " + allocated);
    }
  }

  private static void step(EngineHarness h, int steps) {
    for (int i = 0; i < steps; i++) {
      h.nowNs.addAndGet(1_000_000);
      assertEquals(4, h.core.step());
    }
  }
}
