package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.directory.Announcer;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.Residence;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What happens between a block's sealing on the device and its copy in the host tier. */
final class CopyDownTest {
  private static final int BLOCKS = 6;

  /** Tells nobody. */
  private static final class Mute implements Announcer {
    @Override
    public void added(
        Residence tier, int group, long high, long low, long rootHigh, long rootLow, int index) {}

    @Override
    public void removed(Residence tier, int group, long high, long low) {}

    @Override
    public void cleared(Residence tier) {}
  }

  private final ExecutorService executor = Executors.newSingleThreadExecutor();
  private final FakeDevice device = new FakeDevice(TestBlocks.PLAIN, 64);
  private final BlockKeys keys = TestBlocks.keys(TestBlocks.PLAIN, "tenant", 1, BLOCKS);
  private final HostTier host = TestBlocks.host(TestBlocks.PLAIN, System::nanoTime);

  private CopyDown started(String settings) {
    CopyDown copyDown =
        new CopyDown(
            device,
            host,
            new Mute(),
            TierSettings.from(
                ConfigFactory.parseString("kvasir.actors.tier { " + settings + " }")
                    .withFallback(ConfigFactory.load())),
            executor);
    copyDown.start();
    return copyDown;
  }

  @AfterEach
  void close() {
    device.close();
    executor.shutdownNow();
    host.close();
    host.freed().orTimeout(30, TimeUnit.SECONDS).join();
  }

  @Test
  void shouldLetTheRequestThatBroughtBlocksGoFirst() {
    CopyDown copyDown = started("copy-delay = 300 ms");
    long startNs = System.nanoTime();
    device.compute(keys, 0, 1);
    device.compute(keys, 1, BLOCKS);
    TestNodes.await("blocks are copied", () -> host.stats().blocks() == BLOCKS);
    long tookMs = (System.nanoTime() - startNs) / 1_000_000;
    assertTrue(tookMs >= 300, "copied after " + tookMs + " ms");
    assertEquals(BLOCKS, copyDown.copiedCount());
    assertEquals(0, copyDown.queued());
    copyDown.close();
  }

  @Test
  void shouldCopyNothingBeforeTheDelayIsOver() {
    CopyDown copyDown = started("copy-delay = 10 s");
    device.compute(keys, 0, BLOCKS);
    // A block's way to the host is the same for a demotion, which does not wait.
    copyDown.demote(BlockPlace.of(keys, 0, 1)).orTimeout(30, TimeUnit.SECONDS).join();
    assertEquals(1, host.stats().blocks());
    assertEquals(BLOCKS, copyDown.queued());
    assertEquals(0, copyDown.copiedCount());
    copyDown.close();
  }
}
