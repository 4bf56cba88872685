package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockLoad;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.AsyncScalarDevice;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.model.SeamHarness;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Blocks that leave one engine and enter another. */
final class BlockDeskTest {
  private static final Duration TTL = Duration.ofMinutes(1);
  private static final int SLOTS = 16;

  private static EngineHarness harness(Device device, ModelConfig config, long arenaBytes) {
    EngineOptions options = EngineOptions.of(arenaBytes).steps(64, Long.MAX_VALUE).seedBase(7);
    return new EngineHarness(device, config, options, new DeficitRoundRobin(64));
  }

  private static EngineHarness harness() {
    return harness(Devices.cpu(2), SeamHarness.config(), 4 << 20);
  }

  /** Asks on the engine's thread, which is this one, and lets it work until the answer is there. */
  static <T> T answer(EngineHarness h, CompletableFuture<T> asked) {
    for (int i = 0; i < 1000 && !asked.isDone(); i++) {
      h.core.moveBlocks();
    }
    assertTrue(asked.isDone(), "no answer after 1,000 slices");
    return asked.join();
  }

  private static void assertNothingHeld(EngineHarness h) {
    h.core.moveBlocks();
    assertEquals(0, h.cache.leaseCount());
    assertEquals(0, h.cache.referencedBytes());
    h.cache.evictUnreferenced();
    assertEquals(0, h.cache.usedBytes());
  }

  private static TokenStream submit(
      EngineHarness h, int[] prompt, SamplingParameters s, List<BlockPin> pins, Residence from) {
    TokenStream stream = TokenStream.of(s, 0, prompt.length, SeamHarness.VOCAB, () -> {});
    h.accept(
        new GenerationRequest(h.nextId(), "a", prompt.clone(), s, 0, List.of(), stream)
            .withBlocks(pins, List.of(new LoadedSpan(0, prompt.length, from))));
    return stream;
  }

  private static void assertMoves(
      ModelConfig config, Supplier<Device> from, Supplier<Device> to, int promptTokens) {
    int[] prompt = SeamHarness.tokens(promptTokens, 1);
    SamplingParameters s = EngineHarness.seeded(12, 3);
    try (EngineHarness first = harness(from.get(), config, 4 << 20);
        EngineHarness second = harness(to.get(), config, 4 << 20)) {
      assertEquals(first.desk.shape(), second.desk.shape());
      assertEquals(first.desk.keyScheme(), second.desk.keyScheme());
      int[] alone = first.generate(prompt, s);
      BlockKeys keys = second.desk.keyScheme().keys("a", prompt, prompt.length);
      List<BlockLoad> loads = BlockMover.read(first, keys, keys.blockCount());
      BlockPin pin = answer(second, second.desk.load(loads, 77, TTL));
      assertEquals(loads.size(), pin.pinned().cardinality());
      assertEquals(1, second.cache.leaseCount());

      TokenStream stream = submit(second, prompt, s, List.of(pin), Residence.PEER);
      second.runAll();
      assertArrayEquals(alone, stream.snapshot());
      int hit = promptTokens / SLOTS * SLOTS;
      PromptSources sources = stream.usage().sources();
      assertEquals(new PromptSources(0, 0, 0, hit, 0, 0, promptTokens - hit), sources);
      assertNothingHeld(first);
      assertNothingHeld(second);
    }
  }

  @Test
  void shouldServeAPromptFromTheBlocksOfAnotherEngine() {
    assertMoves(SeamHarness.config(), () -> Devices.cpu(2), () -> Devices.cpu(1), 96);
    assertMoves(SeamHarness.config(), () -> Devices.cpu(2), () -> Devices.cpu(1), 75);
  }

  @Test
  void shouldMoveBlocksToAndFromADeviceWithMemoryOfItsOwn() {
    assertMoves(SeamHarness.config(), () -> Devices.cpu(1), AsyncScalarDevice::new, 50);
    assertMoves(SeamHarness.config(), AsyncScalarDevice::new, () -> Devices.cpu(1), 50);
  }

  private static ModelConfig windowed() {
    return SeamHarness.config(
        "qwen2", 4, ",\"use_sliding_window\":true,\"sliding_window\":21,\"max_window_layers\":2");
  }

  @Test
  void shouldServeAWindowGroupFromOnlyTheBlocksThatARowCanSee() {
    int[] prompt = SeamHarness.tokens(96, 1);
    SamplingParameters s = EngineHarness.seeded(12, 3);
    try (EngineHarness first = harness(Devices.cpu(2), windowed(), 4 << 20);
        EngineHarness second = harness(Devices.cpu(2), windowed(), 4 << 20)) {
      int[] alone = first.generate(prompt, s);
      BlockShape shape = first.desk.shape();
      BlockKeys keys = first.desk.keyScheme().keys("a", prompt, 96);
      List<BlockLoad> all = BlockMover.read(first, keys, 6);
      List<BlockLoad> needed =
          all.stream().filter(l -> l.index() >= shape.firstNeeded(l.id().group(), 6)).toList();
      // Of 21 tokens a row sees blocks 4 and 5; the full group needs all six.
      assertEquals(8, needed.size());
      assertEquals(96, hitWith(second, prompt, needed, alone, s));
      // Without the window's last block no shorter prefix has its window either: all or nothing.
      List<BlockLoad> broken = needed.stream().filter(l -> !isLastOfWindow(shape, l)).toList();
      assertEquals(0, hitWith(second, prompt, broken, alone, s));
      assertEquals(
          64, hitWith(second, prompt, all.stream().filter(l -> l.index() < 4).toList(), alone, s));
      assertNothingHeld(second);
    }
  }

  private static boolean isLastOfWindow(BlockShape shape, BlockLoad load) {
    return shape.groups().get(load.id().group()).window() > 0 && load.index() == 5;
  }

  /** Loads blocks, asks, and returns the prompt tokens that were not computed. */
  private static int hitWith(
      EngineHarness h, int[] prompt, List<BlockLoad> loads, int[] expected, SamplingParameters s) {
    h.cache.evictUnreferenced();
    BlockPin pin = answer(h, h.desk.load(loads, 5, TTL));
    TokenStream stream = submit(h, prompt, s, List.of(pin), Residence.HOST);
    h.runAll();
    assertArrayEquals(expected, stream.snapshot());
    return prompt.length - stream.usage().recomputedTokens();
  }

  @Test
  void shouldEvictDemotedBlocksBeforeOlderOnesAndTheLastOfTheirChainFirst() {
    try (EngineHarness h = harness()) {
      SamplingParameters s = EngineHarness.seeded(1, 3);
      int[] older = SeamHarness.tokens(96, 1);
      int[] newer = SeamHarness.tokens(96, 2);
      h.generate(older, s);
      h.generate(newer, s);
      BlockKeys keys = h.desk.keyScheme().keys("a", newer, newer.length);
      List<BlockId> ids = new ArrayList<>();
      for (int block = 0; block < keys.blockCount(); block++) {
        for (int group = 0; group < keys.groupCount(); group++) {
          ids.add(keys.id(group, block));
        }
      }
      BlockPin pin = answer(h, h.desk.pin(ids.subList(0, 1), 5, TTL));
      assertEquals(ids.size() - 1, answer(h, h.desk.demote(ids)));
      pin.close();
      List<BlockId> evicted = new ArrayList<>();
      h.desk.listen(
          new DeviceBlocks.Listener() {
            @Override
            public void sealed(int group, long high, long low, long rootHigh, long rootLow, int i) {
              assertTrue(i >= 0);
            }

            @Override
            public void evicted(int group, long high, long low) {
              evicted.add(new BlockId(group, high, low));
            }
          });
      for (int salt = 3; evicted.size() < ids.size(); salt++) {
        h.generate(SeamHarness.tokens(96, salt), s);
      }
      // The one that was pinned is no victim: it was released after the others were demoted.
      assertEquals(ids.subList(1, ids.size()).reversed(), evicted.subList(0, ids.size() - 1));
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldRefuseADamagedBlockAndRecomputeIt() {
    int[] prompt = SeamHarness.tokens(96, 1);
    SamplingParameters s = EngineHarness.greedy(12);
    try (EngineHarness first = harness();
        EngineHarness second = harness()) {
      int[] alone = first.generate(prompt, s);
      BlockKeys keys = second.desk.keyScheme().keys("a", prompt, prompt.length);
      List<BlockLoad> loads = BlockMover.read(first, keys, 6);
      var source = loads.get(2).source();
      long at = source.byteSize() - 5;
      source.set(ValueLayout.JAVA_BYTE, at, (byte) (source.get(ValueLayout.JAVA_BYTE, at) ^ 0x10));
      BlockPin pin = answer(second, second.desk.load(loads, 77, TTL));

      assertEquals(BitSet.valueOf(new long[] {0b111011}), pin.pinned());
      assertEquals(1, second.counters.snapshot(0).blocks().refusedBlocks());
      TokenStream stream = submit(second, prompt, s, List.of(pin), Residence.HOST);
      second.runAll();
      assertArrayEquals(alone, stream.snapshot());
      assertEquals(new PromptSources(0, 32, 0, 0, 0, 0, 64), stream.usage().sources());
      assertNothingHeld(second);
    }
  }

  @Test
  void shouldRefuseBlocksOfAnotherShape() {
    int[] prompt = SeamHarness.tokens(32, 1);
    try (EngineHarness first = harness();
        EngineHarness second = harness()) {
      first.generate(prompt, EngineHarness.greedy(1));
      BlockKeys keys = second.desk.keyScheme().keys("a", prompt, prompt.length);
      BlockLoad good = BlockMover.read(first, keys, 1).getFirst();
      BlockId id = good.id();
      List<BlockLoad> bad =
          List.of(
              new BlockLoad(id, id, 0, good.source().asSlice(0, 64), good.layerChecksums()),
              new BlockLoad(id, id, 0, good.source(), new int[1]),
              new BlockLoad(id, id, -1, good.source(), good.layerChecksums()),
              new BlockLoad(new BlockId(1, 2, 3), id, 0, good.source(), good.layerChecksums()));
      BlockPin pin = answer(second, second.desk.load(bad, 1, TTL));
      assertTrue(pin.pinned().isEmpty());
      assertEquals(4, second.counters.snapshot(0).blocks().refusedBlocks());
      pin.close();
      assertNothingHeld(second);
    }
  }

  @Test
  void shouldRefuseSourcesThatMayNotBeReadOrHaveChanged() {
    int[] prompt = SeamHarness.tokens(64, 1);
    try (EngineHarness first = harness();
        EngineHarness second = harness()) {
      first.generate(prompt, EngineHarness.greedy(1));
      BlockKeys keys = second.desk.keyScheme().keys("a", prompt, prompt.length);
      List<BlockLoad> whole = BlockMover.read(first, keys, 4);
      int[] asked = new int[4];
      // Ended before the copy, ended during the copy, granted throughout, ended during the copy.
      int[] times = {0, 1, 9, 1};
      List<BlockLoad> loads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int at = i;
        BlockLoad load = whole.get(i);
        loads.add(
            new BlockLoad(
                load.id(),
                load.root(),
                load.index(),
                load.source(),
                load.layerChecksums(),
                () -> asked[at]++ < times[at]));
      }
      BlockPin pin = answer(second, second.desk.load(loads, 1, TTL));
      assertEquals(BitSet.valueOf(new long[] {0b0100}), pin.pinned());
      assertArrayEquals(new int[] {1, 2, 2, 2}, asked, "before the copy and after it");
      assertEquals(3, second.counters.snapshot(0).blocks().refusedBlocks());
      pin.close();
      assertNothingHeld(second);
    }
  }

  @Test
  void shouldFailALoadWhoseSourceHasGoneAndGoOn() {
    int[] prompt = SeamHarness.tokens(32, 1);
    try (EngineHarness first = harness();
        EngineHarness second = harness()) {
      first.generate(prompt, EngineHarness.greedy(1));
      BlockKeys keys = second.desk.keyScheme().keys("a", prompt, prompt.length);
      BlockLoad good = BlockMover.read(first, keys, 1).getFirst();
      BooleanSupplier closed =
          () -> {
            throw new IllegalStateException("closed");
          };
      BooleanSupplier cutShort =
          () -> {
            throw new InternalError("cut short");
          };
      for (BooleanSupplier loss : List.of(closed, cutShort)) {
        BlockLoad gone =
            new BlockLoad(
                good.id(), good.root(), good.index(), good.source(), good.layerChecksums(), loss);
        var failed = second.desk.load(List.of(gone), 1, TTL);
        second.core.moveBlocks();
        assertTrue(failed.isCompletedExceptionally());
      }
      BlockPin pin = answer(second, second.desk.load(List.of(good), 1, TTL));
      assertEquals(1, pin.pinned().cardinality());
      pin.close();
      assertNothingHeld(second);
    }
  }

  @Test
  void shouldEndPinsWithTheirDeadlineTheirOwnerOrTheirUser() {
    int[] prompt = SeamHarness.tokens(64, 1);
    try (EngineHarness h = harness()) {
      h.generate(prompt, EngineHarness.greedy(2));
      List<BlockId> ids = BlockMover.ids(h.desk.keyScheme().keys("a", prompt, 64), 4);
      BlockPin timed = answer(h, h.desk.pin(ids, 1, Duration.ofMillis(50)));
      BlockPin owned = answer(h, h.desk.pin(ids, 2, TTL));
      BlockPin used = answer(h, h.desk.pin(ids, 3, TTL));
      assertEquals(4, timed.pinned().cardinality());
      assertEquals(3, h.cache.leaseCount());
      assertEquals(0, answer(h, h.desk.clear()), "pinned blocks stay");

      h.nowNs.addAndGet(Duration.ofMillis(50).toNanos());
      h.core.moveBlocks();
      assertEquals(2, h.cache.leaseCount());
      h.desk.release(2);
      h.core.moveBlocks();
      assertEquals(1, h.cache.leaseCount());
      used.close();
      used.close();
      owned.close();
      timed.close();
      h.core.moveBlocks();
      assertEquals(0, h.cache.leaseCount());
      assertEquals(4, answer(h, h.desk.clear()));
      assertTrue(answer(h, h.desk.find(ids)).isEmpty());
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldRefuseMoreThanItsBoundsAndEverythingOnceClosed() {
    try (EngineHarness h =
        new EngineHarness(
            SeamHarness.config(),
            EngineOptions.of(1 << 20).blocks(BlockOptions.DEFAULT.bounds(2, 1)),
            new DeficitRoundRobin(64))) {
      CompletableFuture<BlockPin> first = h.desk.pin(List.of(), 1, TTL);
      CompletableFuture<BlockPin> second = h.desk.pin(List.of(), 1, TTL);
      assertFailure(h.desk.find(List.of()), "max-calls");
      h.core.moveBlocks();
      assertEquals(0, first.join().pinned().cardinality());
      assertFailure(second, "maxPins=1");
      assertFailure(step(h, h.desk.pin(List.of(), 1, Duration.ZERO)), "ttl=PT0S");
      CompletableFuture<Integer> waiting = h.desk.clear();
      h.core.close();
      assertFailure(waiting, "the engine is closed");
      assertFailure(h.desk.find(List.of()), "the engine is closed");
      assertEquals(0, h.cache.leaseCount());
    }
  }

  private static <T> CompletableFuture<T> step(EngineHarness h, CompletableFuture<T> asked) {
    h.core.moveBlocks();
    return asked;
  }

  private static void assertFailure(CompletableFuture<?> failed, String part) {
    assertTrue(failed.isDone());
    CompletionException e = assertThrows(CompletionException.class, failed::join);
    assertTrue(e.getCause().getMessage().contains(part), e.getCause().getMessage());
  }

  @Test
  void shouldTellAListenerWhatIsThereAndWhatChanges() {
    int[] prompt = SeamHarness.tokens(64, 1);
    try (EngineHarness h = harness()) {
      h.generate(prompt, EngineHarness.greedy(2));
      BlockKeys keys = h.desk.keyScheme().keys("a", prompt, 64);
      List<String> told = new ArrayList<>();
      h.desk.listen(
          new DeviceBlocks.Listener() {
            @Override
            public void sealed(
                int group, long high, long low, long rootHigh, long rootLow, int index) {
              assertEquals(keys.root(), new BlockId(0, rootHigh, rootLow));
              assertEquals(keys.id(group, index), new BlockId(group, high, low));
              told.add("+" + index);
            }

            @Override
            public void evicted(int group, long high, long low) {
              told.add("-");
              throw new IllegalStateException("a listener's fault");
            }
          });
      h.core.moveBlocks();
      assertEquals(List.of("+0", "+1", "+2", "+3"), told);
      told.clear();
      assertEquals(4, answer(h, h.desk.clear()));
      assertEquals(List.of("-", "-", "-", "-"), told);
      told.clear();
      h.generate(prompt, EngineHarness.greedy(2));
      assertEquals(List.of("+0", "+1", "+2", "+3"), told);
    }
  }

  @Test
  void shouldCloseThePinsOfARequestThatIsNeverAdmitted() {
    int[] prompt = SeamHarness.tokens(64, 1);
    try (EngineHarness h = harness()) {
      h.generate(prompt, EngineHarness.greedy(2));
      List<BlockId> ids = BlockMover.ids(h.desk.keyScheme().keys("a", prompt, 64), 4);
      BlockPin pin = answer(h, h.desk.pin(ids, 1, TTL));
      TokenStream stream = submit(h, prompt, EngineHarness.greedy(2), List.of(pin), Residence.HOST);
      h.core.cancel(h.lastId());
      h.step();
      assertEquals(FinishReason.CANCELLED, stream.finishReason());
      assertEquals(64, stream.usage().recomputedTokens());
      assertNothingHeld(h);
    }
  }

  @Test
  void shouldGiveUpPinsBeforeARunningRequestFails() {
    // Room for 20 blocks: 16 are pinned, and a request needs ten.
    try (EngineHarness h =
        harness(Devices.cpu(1), SeamHarness.config(), EngineHarness.tokenBytes() * SLOTS * 20)) {
      int[] kept = SeamHarness.tokens(256, 1);
      h.generate(kept, EngineHarness.greedy(1));
      List<BlockId> ids = BlockMover.ids(h.desk.keyScheme().keys("a", kept, 256), 16);
      BlockPin pin = answer(h, h.desk.pin(ids, 1, TTL));
      assertEquals(16, pin.pinned().cardinality());
      TokenStream stream = h.submit("a", SeamHarness.tokens(150, 2), EngineHarness.greedy(4));
      h.runAll();
      assertEquals(FinishReason.LENGTH, stream.finishReason(), stream.failure());
      assertNull(stream.failure());
      assertFalse(answer(h, h.desk.find(ids)).cardinality() == 16);
      assertNothingHeld(h);
    }
  }
}
