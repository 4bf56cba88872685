package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.directory.Holdings.Holder;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.media.MemoryHub;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A node is told who holds a prompt: by a gateway that is right, late or wrong. */
final class ToldHoldingsTest {
  private static final BlockShape SHAPE = TestBlocks.GROUPED;
  private static final int BLOCKS = 20;
  private static final int TOKENS = BLOCKS * TestBlocks.SLOTS;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final String ASKED = "blocks did not come from where the gateway told";

  private final BlockKeys keys = TestBlocks.keys(SHAPE, "tenant", 7, BLOCKS);
  private final MemoryHub hub = new MemoryHub();
  private final FakeDevice readerDevice = new FakeDevice(SHAPE, 1 << 10);
  private final FakeDevice wrongDevice = new FakeDevice(SHAPE, 1 << 10);
  private final FakeDevice ownerDevice = new FakeDevice(SHAPE, 1 << 10);
  private TestNodes nodes;
  private TestNodes.Node reader;
  private TestNodes.Node wrong;
  private TestNodes.Node owner;

  @BeforeEach
  void start() {
    nodes = new TestNodes();
    reader = node(1, readerDevice);
    wrong = node(2, wrongDevice);
    owner = node(3, ownerDevice);
    assertTrue(reader.links.ready(2, LONG).toCompletableFuture().join());
    assertTrue(reader.links.ready(3, LONG).toCompletableFuture().join());
    ownerDevice.compute(keys, 0, BLOCKS);
    TestNodes.await(
        "the copies are announced",
        () -> owner.announced(Residence.HOST, keys) == BLOCKS * SHAPE.groups().size());
  }

  private TestNodes.Node node(long id, FakeDevice device) {
    return nodes
    .new Node(
        id,
        SHAPE,
        device,
        1 << 20,
        ConfigFactory.parseString(
            "kvasir.actors.tier { priors.prefill-tokens-per-second = 1, lookup-deadline = 10 s }"),
        TestNodes.over(hub));
  }

  @AfterEach
  void stop() {
    for (TestNodes.Node node : List.of(reader, wrong, owner)) {
      TestNodes.await("leases end", () -> node.tier.heldCount() == 0);
      TestNodes.await("regions rest", () -> node.links.transport().leaseCount() == 0);
    }
    for (FakeDevice device : List.of(readerDevice, wrongDevice, ownerDevice)) {
      assertEquals(0, device.pins.get());
    }
    nodes.close();
    readerDevice.close();
    wrongDevice.close();
    ownerDevice.close();
  }

  private static Holdings told(TestNodes.Node node, long incarnation, int groups, int blocks) {
    List<BitSet> bits = new ArrayList<>();
    for (int group = 0; group < groups; group++) {
      BitSet all = new BitSet();
      all.set(0, blocks);
      bits.add(all);
    }
    return new Holdings(List.of(new Holder(node.id, incarnation, Residence.HOST, bits)), false);
  }

  private static Holdings told(TestNodes.Node node) {
    return told(node, node.info().incarnation(), SHAPE.groups().size(), BLOCKS);
  }

  private Fetched fetch(Holdings holdings) {
    Fetched fetched = reader.fetch(keys, TOKENS, LONG, holdings);
    fetched.pins().forEach(pin -> pin.close());
    return fetched;
  }

  private void assertLoaded(Fetched fetched) {
    assertEquals(
        List.of(new LoadedSpan(0, TOKENS, Residence.PEER)),
        fetched.loaded(),
        fetched.explained().toString());
    assertTrue(readerDevice.holds(keys, BLOCKS - 2, BLOCKS));
  }

  private static long said(Fetched fetched, String part) {
    return fetched.explained().stream().filter(sentence -> sentence.contains(part)).count();
  }

  @Test
  void shouldLoadFromTheNamedNodeWithoutAskingTheDirectory() {
    Fetched fetched = fetch(told(owner));
    assertLoaded(fetched);
    assertEquals(0, reader.lookups.get());
    assertEquals("the gateway told who holds blocks: node 3", fetched.explained().getFirst());
  }

  @Test
  void shouldTakeTheGatewaysWordThatNobodyHasIt() {
    Fetched fetched = fetch(Holdings.NONE);
    assertEquals(Map.of(MissReason.NOT_CACHED, TOKENS), fetched.misses());
    assertEquals(0, reader.lookups.get());
  }

  @Test
  void shouldAskTheDirectoryOnceWhenTheNamedNodeHasNothing() {
    Fetched fetched = fetch(told(wrong));
    assertLoaded(fetched);
    assertEquals(1, reader.lookups.get());
    assertEquals(1, said(fetched, ASKED), fetched.explained().toString());
    assertEquals(1, said(fetched, "are loaded from node 2"), fetched.explained().toString());
    assertEquals(1, said(fetched, "are loaded from node 3"), fetched.explained().toString());
  }

  @Test
  void shouldNotGoBackToWhoHadNothingThoughTheDirectoryNamesItToo() {
    wrong.announceFalsely(Residence.HOST, keys);
    Fetched fetched = fetch(told(wrong));
    assertLoaded(fetched);
    assertEquals(1, reader.lookups.get());
    assertEquals(1, said(fetched, "are loaded from node 2"), fetched.explained().toString());
  }

  @Test
  void shouldComputeWhenNeitherGatewayNorDirectoryIsRight() {
    wrong.announceFalsely(Residence.HOST, keys);
    ownerDevice.clear().join();
    owner.tier.host().evict(BlockPlace.of(keys, 0, BLOCKS), Duration.ZERO);
    assertEquals(0, owner.announced(Residence.HOST, keys));
    owner.announceFalsely(Residence.HOST, keys);
    Fetched fetched = fetch(told(wrong));
    assertEquals(Map.of(MissReason.GONE, TOKENS), fetched.misses());
    assertEquals(1, reader.lookups.get());
  }

  @Test
  void shouldAskTheDirectoryWhenTheNamedLifeIsOver() {
    Fetched fetched =
        fetch(told(owner, owner.info().incarnation() + 1, SHAPE.groups().size(), BLOCKS));
    assertLoaded(fetched);
    assertEquals(1, reader.lookups.get());
    assertEquals(1, said(fetched, "not here in that life"), fetched.explained().toString());
  }

  @Test
  void shouldAskTheDirectoryWhenHoldersAreOfAnotherChain() {
    assertLoaded(fetch(told(owner, owner.info().incarnation(), 1, BLOCKS)));
    assertEquals(1, reader.lookups.get());
  }

  @Test
  void shouldNotMindBlocksBehindThePrompt() {
    long life = owner.info().incarnation();
    assertLoaded(fetch(told(owner, life, SHAPE.groups().size(), 10 * BLOCKS)));
    assertEquals(0, reader.lookups.get());
  }
}
