package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.blocks.BlockCopy;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockLoad;
import io.kvasir.runtime.blocks.BlockPin;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.DeviceBlocks;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.model.SeamHarness;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * Requests, pins, copies in and out, damaged copies and clears in random order on a tight arena,
 * against a model: the set of cached blocks as a listener hears it, the bytes that each key ever
 * had, and the answers of an engine left alone. Run one seed again with {@code
 * -Dkvasir.test.seed=SEED}.
 */
final class RandomBlocksTest {
  private static final int OPERATIONS = 4_000;
  private static final int PROMPTS = 6;
  private static final int SLOTS = 16;

  private record Asked(int prompt, TokenStream stream, int loadedTokens) {}

  private record Pinned(List<BlockId> ids, BitSet pinned, BlockDesk.Pin pin) {}

  private final long seed = Long.getLong("kvasir.test.seed", 20261123L);
  private final Random random = new Random(seed);
  private final int[][] prompts = new int[PROMPTS][];
  private final int[][] alone = new int[PROMPTS][];
  private final BlockKeys[] keys = new BlockKeys[PROMPTS];
  private final Set<BlockId> cached = new HashSet<>();
  private final Map<BlockId, BlockLoad> host = new HashMap<>();
  private final List<Asked> asked = new ArrayList<>();
  private final List<Pinned> pins = new ArrayList<>();
  private EngineHarness h;
  private int damaged;
  private int hitLoaded;

  private static SamplingParameters sampling(int prompt) {
    return EngineHarness.seeded(3 + 2 * prompt, prompt);
  }

  @Test
  void shouldAgreeWithTheModelOnOneGroup() {
    run(SeamHarness.config(), EngineHarness.tokenBytes() * SLOTS * 22);
  }

  @Test
  void shouldAgreeWithTheModelOnAWindowGroup() {
    run(
        SeamHarness.config(
            "qwen2",
            4,
            ",\"use_sliding_window\":true,\"sliding_window\":21,\"max_window_layers\":2"),
        EngineHarness.tokenBytes() * SLOTS * 22);
  }

  private void run(ModelConfig config, long arenaBytes) {
    EngineOptions options =
        EngineOptions.of(arenaBytes)
            .steps(40, Long.MAX_VALUE)
            .queue(5, 1 << 20)
            .blocks(BlockOptions.DEFAULT.slices(20_000, 10_000));
    for (int i = 0; i < PROMPTS; i++) {
      // Pairs share their first half.
      prompts[i] = SeamHarness.tokens(40 + 17 * i, i / 2);
    }
    try (EngineHarness quiet =
        new EngineHarness(Devices.cpu(1), config, options, new DeficitRoundRobin(64))) {
      for (int i = 0; i < PROMPTS; i++) {
        alone[i] = quiet.generate(prompts[i], sampling(i));
        keys[i] = quiet.desk.keyScheme().keys("a", prompts[i], prompts[i].length);
        quiet.cache.evictUnreferenced();
      }
    }
    int operation = 0;
    try (EngineHarness tight =
        new EngineHarness(Devices.cpu(1), config, options, new DeficitRoundRobin(64))) {
      h = tight;
      h.desk.listen(listener());
      for (; operation < OPERATIONS; operation++) {
        operate();
        check();
      }
      h.runAll();
      pins.forEach(p -> p.pin.close());
      h.core.moveBlocks();
      checkEnd();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "operation " + operation + " failed, run again with -Dkvasir.test.seed=" + seed, e);
    }
  }

  private DeviceBlocks.Listener listener() {
    return new DeviceBlocks.Listener() {
      @Override
      public void sealed(int group, long high, long low, long rootHigh, long rootLow, int index) {
        assertTrue(cached.add(new BlockId(group, high, low)), "sealed twice");
      }

      @Override
      public void evicted(int group, long high, long low) {
        assertTrue(cached.remove(new BlockId(group, high, low)), "evicted without being there");
      }
    };
  }

  private void operate() {
    int prompt = random.nextInt(PROMPTS);
    switch (random.nextInt(20)) {
      case 0, 1 -> ask(prompt, List.of(), 0);
      case 2, 3 -> loadAndAsk(prompt);
      case 4 -> pin(prompt);
      case 5 -> {
        if (!pins.isEmpty()) {
          pins.remove(random.nextInt(pins.size())).pin.close();
        }
      }
      case 6, 7, 8 -> read(prompt);
      case 9 -> loadDamaged(prompt);
      case 10 -> h.desk.release(random.nextInt(4));
      case 11 -> {
        if (random.nextInt(8) == 0) {
          h.desk.clear();
        }
      }
      case 12 -> {
        if (h.lastId() > 0) {
          h.core.cancel(h.lastId() - random.nextInt(3));
        }
      }
      default -> h.step();
    }
  }

  private void ask(int prompt, List<BlockPin> with, int loadedTokens) {
    TokenStream stream =
        TokenStream.of(sampling(prompt), 0, prompts[prompt].length, SeamHarness.VOCAB, () -> {});
    List<LoadedSpan> spans =
        loadedTokens == 0 ? List.of() : List.of(new LoadedSpan(0, loadedTokens, Residence.HOST));
    h.accept(
        new GenerationRequest(
                h.nextId(), "a", prompts[prompt].clone(), sampling(prompt), 0, List.of(), stream)
            .withBlocks(with, spans));
    asked.add(new Asked(prompt, stream, loadedTokens));
  }

  /** Loads what the host has of a chain, gaps and all, and asks when it is there. */
  private void loadAndAsk(int prompt) {
    List<BlockLoad> loads = new ArrayList<>();
    for (BlockId id : BlockMover.ids(keys[prompt], keys[prompt].blockCount())) {
      if (host.containsKey(id) && random.nextInt(12) > 0) {
        loads.add(host.get(id));
      }
    }
    h.desk
        .load(loads, random.nextInt(4), Duration.ofMillis(1 + random.nextInt(60)))
        .whenComplete(
            (pin, failure) ->
                ask(
                    prompt,
                    pin == null ? List.of() : List.of(pin),
                    pin == null ? 0 : prompts[prompt].length));
  }

  private void pin(int prompt) {
    int blocks = 1 + random.nextInt(keys[prompt].blockCount());
    List<BlockId> ids = BlockMover.ids(keys[prompt], blocks);
    h.desk
        .pin(ids, random.nextInt(4), Duration.ofMillis(1 + random.nextInt(100)))
        .thenAccept(pin -> pins.add(new Pinned(ids, pin.pinned(), (BlockDesk.Pin) pin)));
  }

  private void read(int prompt) {
    List<BlockCopy> copies = new ArrayList<>();
    for (BlockId id : BlockMover.ids(keys[prompt], keys[prompt].blockCount())) {
      int bytes = h.desk.shape().groups().get(id.group()).blockBytes();
      copies.add(new BlockCopy(id, Arena.ofAuto().allocate(bytes, 64)));
    }
    CompletableFuture<List<int[]>> read = h.desk.read(copies);
    read.thenAccept(
        checksums -> {
          for (int i = 0; i < copies.size(); i++) {
            if (checksums.get(i) != null) {
              keep(copies.get(i), checksums.get(i), keys[prompt], i);
            }
          }
        });
  }

  /** The bytes of a key never change, whoever computed or carried them (law 1). */
  private void keep(BlockCopy copy, int[] checksums, BlockKeys chain, int i) {
    BlockLoad before = host.get(copy.id());
    if (before == null) {
      int index = i % chain.blockCount();
      host.put(copy.id(), new BlockLoad(copy.id(), chain.root(), index, copy.target(), checksums));
    } else {
      assertEquals(-1, before.source().mismatch(copy.target()), "bytes of " + copy.id());
      assertArrayEquals(before.layerChecksums(), checksums);
    }
  }

  private void loadDamaged(int prompt) {
    BlockId id = keys[prompt].id(0, random.nextInt(keys[prompt].blockCount()));
    BlockLoad good = host.get(id);
    if (good == null) {
      return;
    }
    MemorySegment bad = Arena.ofAuto().allocate(good.source().byteSize(), 64);
    bad.copyFrom(good.source());
    long at = random.nextLong(bad.byteSize());
    bad.set(ValueLayout.JAVA_BYTE, at, (byte) (bad.get(ValueLayout.JAVA_BYTE, at) ^ 1));
    BlockLoad load = new BlockLoad(id, good.root(), good.index(), bad, good.layerChecksums());
    h.desk
        .load(List.of(load), random.nextInt(4), Duration.ofMillis(20))
        .thenAccept(
            pin -> {
              damaged += pin.pinned().isEmpty() ? 1 : 0;
              pin.close();
            });
  }

  private void check() {
    assertEquals(cached.size(), h.cache.stats().blocks());
    for (Pinned p : pins) {
      for (int i = p.pinned.nextSetBit(0); i >= 0 && !p.pin.blocks.isClosed(); ) {
        assertTrue(cached.contains(p.ids.get(i)), "a pinned block was evicted");
        i = p.pinned.nextSetBit(i + 1);
      }
    }
    pins.removeIf(p -> p.pin.blocks.isClosed());
  }

  private void checkEnd() {
    int whole = 0;
    for (Asked a : asked) {
      int[] expected = alone[a.prompt];
      int[] got = a.stream.snapshot();
      if (a.stream.finishReason() == FinishReason.CANCELLED) {
        expected = Arrays.copyOf(expected, got.length);
      } else {
        whole++;
      }
      assertArrayEquals(expected, got, "prompt " + a.prompt + " " + a.stream.failure());
      PromptSources sources = a.stream.usage().sources();
      assertEquals(prompts[a.prompt].length, sources.total());
      assertTrue(sources.host() <= a.loadedTokens);
      hitLoaded += sources.host();
    }
    assertTrue(whole > 100, "answers: " + whole);
    assertTrue(hitLoaded > 1000, "tokens hit in loaded blocks: " + hitLoaded);
    assertTrue(damaged > 5, "damaged blocks refused: " + damaged);
    assertEquals(0, h.cache.leaseCount());
    assertEquals(0, h.cache.referencedBytes());
    assertEquals(0, h.waitingRoom.get());
    BlockShape shape = h.desk.shape();
    long bytes = cached.stream().mapToLong(id -> shape.groups().get(id.group()).blockBytes()).sum();
    assertEquals(bytes, h.cache.usedBytes());
    h.cache.evictUnreferenced();
    assertTrue(cached.isEmpty());
    assertEquals(0, h.cache.usedBytes());
  }
}
