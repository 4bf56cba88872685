package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.media.MemoryHub;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device takes blocks out of the memory of a peer on its host, and only what the peer lends. */
final class NeighbourLoadTest {
  private static final BlockShape SHAPE = TestBlocks.GROUPED;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int BLOCKS = 20;
  private static final int TOKENS = BLOCKS * TestBlocks.SLOTS;

  @TempDir private Path folder;
  private final TestNodes nodes = new TestNodes();
  private final MemoryHub hub = new MemoryHub();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final FakeDevice nearDevice = new FakeDevice(SHAPE, 1000);
  private final FakeDevice farDevice = new FakeDevice(SHAPE, 1000);

  /** Every pull of the near node, in order. */
  private final List<List<PullBlock>> pulls = new CopyOnWriteArrayList<>();

  private TestNodes.Node near;
  private TestNodes.Node far;

  private TestNodes.Node node(long id, FakeDevice device) {
    Config config =
        ConfigFactory.parseString(
            "kvasir.actors.tier { priors.prefill-tokens-per-second = 1, lookup-deadline = 10 s }");
    return nodes
    .new Node(
        id,
        SHAPE,
        device,
        1 << 20,
        config,
        (transport, source) ->
            RecordedPulls.of(TestNodes.over(hub).apply(transport, source), pulls, block -> block),
        new TestNodes.Shared(folder, 1L << 30));
  }

  @BeforeEach
  void start() {
    near = node(1, nearDevice);
    far = node(2, farDevice);
    near.links.bindTo(registry);
    // Memory is taken with the first block.
    nearDevice.compute(TestBlocks.keys(SHAPE, "tenant", 99, 1), 0, 1);
    TestNodes.await("memory is shared", () -> near.tier.host().stats().blocks() > 0);
    awaitLink(2);
  }

  private void awaitLink(long peer) {
    var ready = near.links.ready(peer, LONG).toCompletableFuture();
    assertTrue(ready.orTimeout(60, TimeUnit.SECONDS).join());
  }

  @AfterEach
  void close() throws Exception {
    TestNodes.await("loans end", () -> near.tier.heldCount() + far.tier.heldCount() == 0);
    assertEquals(0, nearDevice.pins.get());
    nodes.close();
    nearDevice.close();
    farDevice.close();
  }

  private BlockKeys computedFar(int seed) {
    BlockKeys keys = TestBlocks.keys(SHAPE, "tenant", seed, BLOCKS);
    farDevice.compute(keys, 0, BLOCKS);
    int all = BLOCKS * SHAPE.groups().size();
    TestNodes.await("copies are announced", () -> far.announced(Residence.HOST, keys) == all);
    farDevice.clear().join();
    return keys;
  }

  private static void close(Fetched fetched) {
    fetched.pins().forEach(pin -> pin.close());
  }

  private double readBytes() {
    return registry.get("kvasir.link_copied_bytes").functionCounter().count();
  }

  @Test
  void shouldTakeBlocksWithoutAPullOrACopyInThisHostTier() {
    BlockKeys keys = computedFar(5);
    AtomicInteger keptBefore = new AtomicInteger();
    nearDevice.beforeLoad = () -> keptBefore.addAndGet(near.announced(Residence.HOST, keys));
    Fetched fetched = near.fetch(keys, TOKENS, LONG);
    assertEquals(
        List.of(new LoadedSpan(0, TOKENS, Residence.PEER)),
        fetched.loaded(),
        fetched.explained().toString());
    assertTrue(nearDevice.holds(keys, BLOCKS - 2, BLOCKS));
    assertEquals(List.of(), pulls);
    assertEquals(0, keptBefore.get(), "nothing comes by way of this node's host tier");
    long loaded = fetched.pins().stream().mapToLong(pin -> pin.pinned().cardinality()).sum();
    assertTrue(readBytes() > 0 && loaded > 0);
    assertTrue(near.links.status(2).bytesPerSecond() > 0, "the link's rate is known");
    close(fetched);
    // What the device has now is copied down like everything else.
    TestNodes.await("a copy is here", () -> near.announced(Residence.HOST, keys) > 0);
  }

  @Test
  void shouldRefuseWhatIsRenewedBeforeOrWhileItIsTaken() {
    for (boolean before : new boolean[] {true, false}) {
      BlockKeys keys = computedFar(before ? 6 : 7);
      AtomicInteger count = new AtomicInteger();
      // The lender uses the memory for something else, as after the end of its lease.
      Runnable renew =
          () -> {
            if (count.getAndIncrement() == 7) {
              far.tier.host().release(near.id);
              far.tier.host().evict(BlockPlace.of(keys, 0, BLOCKS), Duration.ZERO);
            }
          };
      nearDevice.beforeLoad = before ? renew : () -> {};
      nearDevice.afterCopy = before ? () -> {} : renew;
      Fetched fetched = near.fetch(keys, TOKENS, LONG);
      List<BlockId> ids = BlockPlace.of(keys, 0, BLOCKS).stream().map(BlockPlace::id).toList();
      assertEquals(7, nearDevice.find(ids).join().cardinality(), fetched.explained().toString());
      assertFalse(fetched.misses().isEmpty());
      close(fetched);
    }
  }

  @Test
  void shouldTellTheLenderWhatIsBroken() {
    BlockKeys keys = computedFar(8);
    HostTierTest.corrupt(far.tier.host(), BlockPlace.of(keys, 10, 11).getFirst());
    Fetched fetched = near.fetch(keys, TOKENS, LONG);
    assertEquals(10 * TestBlocks.SLOTS, fetched.loaded().getLast().to());
    TestNodes.await("the lender drops it", () -> far.tier.host().stats().corrupt() > 0);
    close(fetched);
    assertEquals(List.of(), pulls, "a broken block is not asked for again");
  }

  @Test
  void shouldEndALoanByTheReadersOwnClockAndWhenItIsGivenBack() {
    BlockKeys keys = computedFar(9);
    List<BlockPlace> places = BlockPlace.of(keys, 0, 2);
    PeerTier peer = (PeerTier) near.tier.peer(2, far.info().incarnation());
    NeighbourLoan loan = peer.look(places, LONG).orTimeout(60, TimeUnit.SECONDS).join();
    assertEquals(TestBlocks.all(places.size()), loan.pinned());
    assertTrue(loan.granted(1) && loan.prove(1));
    assertTrue(TestBlocks.isBlock(loan.segment(1), places.get(1).id()));
    assertTrue(loan.segment(1).isReadOnly());
    loan.close();
    assertFalse(loan.granted(1));
    TestNodes.await("the lender's lease ends", () -> far.tier.heldCount() == 0);

    // No longer than the deadline: a reader that is late must not read.
    NeighbourLoan brief = peer.look(places, Duration.ofMillis(300)).join();
    TestNodes.await("its time is over", () -> !brief.granted(0));
    brief.close();
  }

  @Test
  void shouldPullWhatIsLentInMemoryThatIsNotShared() {
    // It shares a folder, but has no room for its blocks there: they are lent and not to be seen.
    TestNodes.Node apart =
        nodes
        .new Node(
            3,
            SHAPE,
            farDevice,
            1 << 20,
            ConfigFactory.parseString("kvasir.actors.tier.lookup-deadline = 10 s"),
            TestNodes.over(hub),
            new TestNodes.Shared(folder, 0));
    awaitLink(3);
    BlockKeys keys = TestBlocks.keys(SHAPE, "tenant", 10, BLOCKS);
    farDevice.compute(keys, 0, BLOCKS);
    int all = BLOCKS * SHAPE.groups().size();
    TestNodes.await("copies are announced", () -> apart.announced(Residence.HOST, keys) == all);
    Fetched fetched = near.fetch(keys, TOKENS, LONG);
    assertEquals(List.of(new LoadedSpan(0, TOKENS, Residence.PEER)), fetched.loaded());
    assertFalse(pulls.isEmpty());
    close(fetched);
  }
}
