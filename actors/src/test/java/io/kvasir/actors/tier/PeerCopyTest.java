package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.media.MemoryHub;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a reader copies out of the memory of a peer on its host, and what it asks for instead. */
final class PeerCopyTest {
  private static final BlockShape SHAPE = TestBlocks.GROUPED;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final long PLENTY = 1L << 30;

  @TempDir private Path folder;
  private final Arena arena = Arena.ofShared();
  private final TestNodes nodes = new TestNodes();
  private final MemoryHub hub = new MemoryHub();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  /** Every pull of the near node, in order. */
  private final List<List<PullBlock>> pulls = new CopyOnWriteArrayList<>();

  private TestNodes.Node near;
  private TestNodes.Node far;

  private TestNodes.Node node(long id, long availableBytes) {
    return nodes
    .new Node(
        id,
        SHAPE,
        null,
        1 << 20,
        ConfigFactory.empty(),
        (config, source) ->
            RecordedPulls.of(TestNodes.over(hub).apply(config, source), pulls, block -> block),
        new TestNodes.Shared(folder, availableBytes));
  }

  private void start(long farBytes) {
    near = node(1, PLENTY);
    far = node(2, farBytes);
    near.links.bindTo(registry);
    // Memory is taken with the first block.
    get(near.tier.host().store(blocks(99), LONG));
  }

  private List<BlockTier.Sealed> blocks(int seed) {
    return TestBlocks.sealed(arena, SHAPE, places(seed));
  }

  private static List<BlockPlace> places(int seed) {
    return BlockPlace.of(TestBlocks.keys(SHAPE, "tenant", seed, 4), 0, 4);
  }

  private double copiedBytes() {
    return registry.get("kvasir.link_copied_bytes").functionCounter().count();
  }

  @AfterEach
  void close() throws Exception {
    TestNodes.await("nothing is held", () -> near.tier.heldCount() + far.tier.heldCount() == 0);
    nodes.close();
    arena.close();
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(), left.toList(), "nothing is left of what was shared");
    }
  }

  private static <T> T get(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
  }

  private PeerTier.Fetch fetch(List<BlockPlace> places) {
    assertTrue(get(near.links.ready(2, LONG)));
    PeerTier peer = (PeerTier) near.tier.peer(2, far.info().incarnation());
    return get(peer.fetch(places, LONG));
  }

  private void assertWhole(List<BlockPlace> places) {
    try (HostLease lease = near.tier.host().keep(places, 1, LONG)) {
      for (int i = 0; i < places.size(); i++) {
        assertTrue(TestBlocks.isBlock(lease.segment(i), places.get(i).id()), "block " + i);
      }
    }
  }

  @Test
  void shouldCopyWhatIsLentAndAskTheTransportForNothing() {
    start(PLENTY);
    List<BlockPlace> places = places(5);
    List<BlockTier.Sealed> sealed = blocks(5);
    get(far.tier.host().store(sealed, LONG));
    PeerTier.Fetch fetch = fetch(places);
    assertEquals(TestBlocks.all(places.size()), fetch.present());
    assertWhole(places);
    long bytes = sealed.stream().mapToLong(block -> block.memory().byteSize()).sum();
    assertEquals(bytes, fetch.bytes());
    assertEquals(bytes, copiedBytes());
    assertEquals(List.of(), pulls);
    assertTrue(near.links.status(2).bytesPerSecond() > 0, "the link's rate is known");
  }

  @Test
  void shouldCopyOnlyWhatIsLent() {
    start(PLENTY);
    List<BlockPlace> places = places(5);
    List<BlockTier.Sealed> there = new ArrayList<>(blocks(5));
    there.remove(2);
    get(far.tier.host().store(there, LONG));
    PeerTier.Fetch fetch = fetch(places);
    BitSet gone = new BitSet();
    gone.set(2);
    BitSet present = TestBlocks.all(places.size());
    present.clear(2);
    assertEquals(present, fetch.present());
    assertEquals(gone, fetch.gone());
  }

  @Test
  void shouldReadTheMemoryOfThatLifeOnly() {
    start(PLENTY);
    assertTrue(get(near.links.ready(2, LONG)));
    long life = far.info().incarnation();
    assertNotNull(near.links.memory(2, life));
    assertNull(near.links.memory(2, life + 1));
    assertNull(near.links.memory(3, life));
  }

  @Test
  void shouldPullFromAPeerThatHadNoRoomToShare() {
    start(0);
    List<BlockPlace> places = places(5);
    get(far.tier.host().store(blocks(5), LONG));
    assertEquals(TestBlocks.all(places.size()), fetch(places).present());
    assertWhole(places);
    assertFalse(pulls.isEmpty());
    for (PullBlock block : pulls.getFirst()) {
      assertNotNull(block.source(), "the loan is known");
    }
    assertEquals(0, copiedBytes());
  }

  @Test
  void shouldRefuseABlockThatHasChangedAndTellItsOwner() {
    start(PLENTY);
    List<BlockPlace> places = places(5);
    get(far.tier.host().store(blocks(5), LONG));
    try (HostLease lease = far.tier.host().keep(places, 9, LONG)) {
      lease.segment(3).fill((byte) 99);
    }
    PeerTier.Fetch fetch = fetch(places);
    BitSet present = TestBlocks.all(places.size());
    present.clear(3);
    assertEquals(present, fetch.present());
    TestNodes.await("the owner drops it", () -> far.tier.host().find(places).equals(present));
    assertEquals(List.of(), pulls, "a broken block is not asked for again");
  }
}
