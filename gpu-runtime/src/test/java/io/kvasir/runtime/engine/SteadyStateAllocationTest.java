package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.device.FreshJvm;
import io.kvasir.runtime.model.SeamHarness;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Decoding, sampling and hand-over allocate nothing per token on the engine's thread; pages are
 * taken and sealed on the way. Vector code boxes until the compiler has been there, so rounds are
 * run until one is clean; an allocation in our own code would show in every round.
 */
public final class SteadyStateAllocationTest {
  /**
   * Compilers work beside the rounds, so time bounds them: a clean one usually comes within 3 s.
   */
  private static final long LIMIT_NS = TimeUnit.SECONDS.toNanos(45);

  @Test
  void shouldNotAllocateWhileDecoding() throws Exception {
    assertEquals(
        "0", FreshJvm.run(SteadyStateAllocationTest.class), "bytes in 90 steps of 4 tokens");
  }

  /** Prints the bytes allocated in the first clean round, or in the last one. */
  public static void main(String[] args) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().threadId();
    SamplingParameters sampled =
        SamplingParameters.builder()
            .topP(0.9f)
            .topK(40)
            .minP(0.01f)
            .typicalP(0.95f)
            .penalties(new Penalties(1.1f, 0.2f, 0.1f))
            .logitBias(Map.of(7, 1f))
            .logprobs(5)
            .n(2)
            .seed(5L)
            .maxTokens(200)
            .minTokens(200)
            .stopIds(List.of(2))
            .build();
    long allocated = Long.MAX_VALUE;
    long[] sealed = new long[1];
    try (EngineHarness h = EngineHarness.open(8 << 20, 128)) {
      // Somebody listens, so that every block gets its checksums when it is sealed.
      h.desk.listen(
          new DeviceBlocks.Listener() {
            @Override
            public void sealed(
                int group, long high, long low, long rootHigh, long rootLow, int index) {
              sealed[0] += index;
            }

            @Override
            public void evicted(int group, long high, long low) {
              sealed[0]--;
            }
          });
      h.core.moveBlocks();
      long startNs = System.nanoTime();
      while (allocated > 0 && System.nanoTime() - startNs < LIMIT_NS) {
        // Two choices with everything on, and two plain requests.
        h.submitChoices("a", SeamHarness.tokens(30, 0), sampled);
        h.submit("a", SeamHarness.tokens(30, 1), EngineHarness.greedy(200));
        h.submit("a", SeamHarness.tokens(30, 2), EngineHarness.greedy(200));
        h.core.step();
        // Beyond 130 tokens arrays that double have grown to 256 and stay for the 90 steps
        // measured.
        step(h, 105);
        long before = threads.getThreadAllocatedBytes(thread);
        step(h, 90);
        allocated = threads.getThreadAllocatedBytes(thread) - before;
        h.runAll();
      }
    }
    if (sealed[0] == 0) {
      throw new AssertionError("no block was sealed while somebody listened");
    }
    System.out.println(allocated);
  }

  private static void step(EngineHarness h, int steps) {
    for (int i = 0; i < steps; i++) {
      h.nowNs.addAndGet(1_000_000);
      h.core.moveBlocks();
      assertEquals(4, h.core.step());
    }
  }
}
