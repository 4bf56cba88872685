package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** A fetch of which only the directory could know something. */
final class FetchRunTest {
  private static final BlockShape SHAPE = TestBlocks.PLAIN;
  private static final int BLOCKS = 10;
  private static final int TOKENS = BLOCKS * TestBlocks.SLOTS;
  private static final int TOKENS_PER_SECOND = 10;

  private final TierSettings settings = TierSettings.from(ConfigFactory.load());
  private final AtomicReference<Duration> patience = new AtomicReference<>();

  /** Fetches a prompt of which the device has the first blocks. */
  private Fetched fetch(int onDevice, double tokensPerSecond, Duration deadline) {
    return fetch(onDevice, tokensPerSecond, deadline, null);
  }

  private Fetched fetch(
      int onDevice, double tokensPerSecond, Duration deadline, Holdings holdings) {
    BlockKeys keys = TestBlocks.keys(SHAPE, "tenant", 1, BLOCKS);
    try (FakeDevice device = new FakeDevice(SHAPE, 1 << 10);
        HostTier host = TestBlocks.host(SHAPE, System::nanoTime)) {
      device.compute(keys, 0, onDevice);
      TierFetcher.Means means =
          new TierFetcher.Means(
              device,
              host,
              (asked, timeout) -> {
                patience.set(timeout);
                return CompletableFuture.completedFuture(Holdings.LATE);
              },
              null,
              null,
              new RateBook(settings, System::nanoTime),
              new PrefillCost(tokensPerSecond),
              settings,
              Runnable::run,
              System::nanoTime,
              new TierFetcher.Counts());
      Fetched fetched =
          new FetchRun(
                  means,
                  new BlockFetcher.Order(
                      1, TOKENS, keys, deadline, EnumSet.allOf(Residence.class), holdings))
              .start()
              .orTimeout(20, TimeUnit.SECONDS)
              .join();
      fetched.pins().forEach(pin -> pin.close());
      return fetched;
    }
  }

  @Test
  void shouldWaitForTheDirectoryAsLongAsComputingMakesItWorth() {
    Fetched fetched = fetch(0, TOKENS_PER_SECOND, Duration.ofMinutes(5));
    assertEquals(TOKENS * 1_000L / TOKENS_PER_SECOND / 16, patience.get().toMillis());
    assertEquals(Map.of(MissReason.LOOKUP_LATE, TOKENS), fetched.misses());
    fetch(BLOCKS / 2, TOKENS_PER_SECOND, Duration.ofMinutes(5));
    assertEquals(TOKENS / 2 * 1_000L / TOKENS_PER_SECOND / 16, patience.get().toMillis());
  }

  @Test
  void shouldWaitAMomentWhereComputingIsQuick() {
    fetch(0, 1e6, Duration.ofMinutes(5));
    assertEquals(settings.lookupDeadline(), patience.get());
  }

  @Test
  void shouldNotWaitBeyondItsOwnDeadline() {
    fetch(0, TOKENS_PER_SECOND, Duration.ofMillis(500));
    assertTrue(patience.get().toMillis() <= 500, patience::toString);
  }

  @Test
  void shouldNotAskTheDirectoryWhenTheGatewayToldThatNobodyHasThePrompt() {
    Fetched fetched = fetch(2, TOKENS_PER_SECOND, Duration.ofMinutes(5), Holdings.NONE);
    assertNull(patience.get());
    assertEquals(Map.of(MissReason.NOT_CACHED, TOKENS - 2 * TestBlocks.SLOTS), fetched.misses());
    assertEquals(
        "the gateway told that no other node holds blocks", fetched.explained().getFirst());
  }
}
