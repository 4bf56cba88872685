package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.media.MemoryHub;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a reader asks of a peer's transport, and when; two nodes in one memory. */
final class PeerReadTest {
  private static final BlockShape SHAPE = TestBlocks.GROUPED;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final long BYTES = 1 << 20;

  private final Arena arena = Arena.ofShared();
  private final TestNodes nodes = new TestNodes();
  private final MemoryHub hub = new MemoryHub();

  /** Every pull of the near node, in order. */
  private final List<List<PullBlock>> pulls = new CopyOnWriteArrayList<>();

  private volatile UnaryOperator<PullBlock> sent = UnaryOperator.identity();
  private final TestNodes.Node near = node(1);
  private final TestNodes.Node far = node(2);

  private TestNodes.Node node(long id) {
    return nodes
    .new Node(
        id,
        SHAPE,
        null,
        BYTES,
        ConfigFactory.empty(),
        (config, source) -> {
          BlockTransport transport = TestNodes.over(hub).apply(config, source);
          return id == 1
              ? RecordedPulls.of(transport, pulls, block -> sent.apply(block))
              : transport;
        });
  }

  @AfterEach
  void close() {
    TestNodes.await("nothing is held", () -> near.tier.heldCount() + far.tier.heldCount() == 0);
    nodes.close();
    arena.close();
  }

  private static <T> T get(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(60, TimeUnit.SECONDS).join();
  }

  /** A chain of which the far node has all but some. */
  private List<BlockPlace> chain(int... without) {
    List<BlockPlace> places = BlockPlace.of(TestBlocks.keys(SHAPE, "tenant", 5, 4), 0, 4);
    List<BlockPlace> there = new ArrayList<>(places);
    for (int i = without.length - 1; i >= 0; i--) {
      there.remove(without[i]);
    }
    get(far.tier.host().store(TestBlocks.sealed(arena, SHAPE, there), LONG));
    assertTrue(get(near.links.ready(2, LONG)));
    return places;
  }

  private PeerTier.Fetch fetch(List<BlockPlace> places) {
    PeerTier peer = (PeerTier) near.tier.peer(2, far.info().incarnation());
    return get(peer.fetch(places, LONG));
  }

  @Test
  void shouldAskForTheBlocksBeforeTheLoanIsKnown() {
    List<BlockPlace> places = chain();
    PeerTier.Fetch fetch = fetch(places);
    assertEquals(TestBlocks.all(places.size()), fetch.present());
    assertEquals(1, pulls.size(), "one pull serves");
    for (PullBlock block : pulls.getFirst()) {
      assertTrue(block.patient());
      assertNull(block.source(), "where it lies is not known yet");
    }
  }

  @Test
  void shouldReadWhatIsLentOfABatchAndWaitForNoOther() {
    List<BlockPlace> places = chain(1, 3);
    PeerTier.Fetch fetch = fetch(places);
    BitSet expected = TestBlocks.all(places.size());
    expected.clear(1);
    expected.clear(3);
    assertEquals(expected, fetch.present());
    BitSet gone = new BitSet();
    gone.set(1);
    gone.set(3);
    assertEquals(gone, fetch.gone());
    assertEquals(1, pulls.size(), "what was not lent ends the patience, not the pull");
  }

  @Test
  void shouldReadFromAPeerThatDoesNotKnowHowToWait() {
    sent =
        block ->
            block.patient()
                ? PullBlock.of(block.key(), block.encoding(), block.destination())
                : block;
    List<BlockPlace> places = chain();
    assertEquals(TestBlocks.all(places.size()), fetch(places).present());
    // Whichever of loan and pull was first there: a refusal is followed by a pull of what was lent.
    for (List<PullBlock> again : pulls.subList(1, pulls.size())) {
      again.forEach(block -> assertNotNull(block.source(), "where the loan says"));
    }
  }

  @Test
  void shouldEndTheEarlyPullWhenNothingIsLent() {
    List<BlockPlace> places = chain();
    far.tier.host().clear();
    PeerTier.Fetch fetch = fetch(places);
    assertTrue(fetch.present().isEmpty());
    assertEquals(TestBlocks.all(places.size()), fetch.gone());
    assertEquals(1, pulls.size());
    // Its slots are this node's again.
    get(near.tier.host().store(TestBlocks.sealed(arena, SHAPE, places), LONG));
    assertEquals(TestBlocks.all(places.size()), near.tier.host().find(places));
  }
}
