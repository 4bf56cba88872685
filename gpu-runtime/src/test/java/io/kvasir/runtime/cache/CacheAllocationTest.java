package io.kvasir.runtime.cache;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** Steady-state decoding touches pools only: not a byte per token, page changes included. */
final class CacheAllocationTest {
  private static final int BATCH = 4;
  private static final int TOKENS = 2048;

  @Test
  void shouldAllocateNothingPerDecodedToken() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (CacheFixture f = new CacheFixture(CacheFixture.twoGroups(64), 4 << 20)) {
      KvWritePlan plan = new KvWritePlan();
      plan.layout = CacheFixture.FRAME;
      plan.kvHeadCount = CacheFixture.HEADS;
      int[] token = new int[1];
      long sum = 0;
      long allocated = -1;
      // Growth of tables doubles, so the last run of sequences finds every pool at its size; the
      // arrays of a sequence itself grow with its length, so they are grown before counting.
      for (int run = 0; run < 3; run++) {
        SequenceCache[] batch = new SequenceCache[BATCH];
        for (int s = 0; s < BATCH; s++) {
          batch[s] = f.open();
          sum += decode(f.layout, batch[s], plan, token, run * BATCH + s, TOKENS + 1);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int s = 0; s < BATCH; s++) {
          sum += decode(f.layout, batch[s], plan, token, s, TOKENS - 64);
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - before;
        for (SequenceCache sequence : batch) {
          sequence.close();
        }
      }
      assertTrue(sum != 0);
      // A recompilation in between may cost a few bytes, a single garbage object a block more.
      long tokens = BATCH * (TOKENS - 64);
      assertTrue(allocated < tokens / 4, allocated + " bytes for " + tokens + " tokens");
      f.assertNothingHeld();
    }
  }

  private static long decode(
      CacheLayout layout, SequenceCache sequence, KvWritePlan plan, int[] token, int salt, int n) {
    long sum = 0;
    for (int i = 0; i < n; i++) {
      if (!sequence.reserve(1)) {
        throw new IllegalStateException("the test arena is too small");
      }
      for (int layer = 0; layer < layout.layerCount(); layer++) {
        int entry = sequence.committed(layout.groupOf(layer));
        if (layout.ownerLayer(layer) == layer) {
          sequence.writeTarget(layer, entry, plan, 0);
        }
        KvView view = sequence.view(layer);
        sum += view.entryCounts[0] + plan.frame[0];
      }
      sequence.commit();
      sequence.renewLease(i);
      token[0] = salt * 31 + i;
      sequence.sealTokens(token, 0, 1);
      sequence.dropBefore(1, sequence.committed(1) - 64 + 1);
    }
    return sum;
  }
}
