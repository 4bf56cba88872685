package io.kvasir.actors.tier;

import com.typesafe.config.ConfigFactory;
import io.kvasir.transport.media.MemoryHub;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** The contract over another node: its tier has the capacity, this node's is four times as big. */
final class PeerTierTest extends BlockTierContract {
  private static final long BYTES = (long) CAPACITY * (1024 + 256);
  private static TestNodes nodes;
  private static TestNodes.Node near;
  private static TestNodes.Node far;

  @BeforeAll
  static void start() {
    nodes = new TestNodes();
    MemoryHub hub = new MemoryHub();
    near = node(1, 4 * BYTES, hub);
    far = node(2, BYTES, hub);
    Assertions.assertTrue(get(near.links.ready(2, LONG)));
  }

  private static TestNodes.Node node(long id, long bytes, MemoryHub hub) {
    return nodes
    .new Node(
        id,
        SHAPE,
        null,
        bytes,
        ConfigFactory.parseString("kvasir.actors.tier.guard = 10 ms"),
        TestNodes.over(hub));
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  @BeforeEach
  void empty() {
    TestNodes.await("leases of the former test end", () -> heldCount() == 0);
    near.tier.host().clear();
    far.tier.host().clear();
  }

  @Override
  BlockTier tier() {
    return near.tier.peer(2, far.info().incarnation());
  }

  @Override
  void corrupt(BlockPlace place) {
    HostTierTest.corrupt(far.tier.host(), place);
  }

  /** This node holds what it gave away. */
  @Override
  void forgetNearby(List<BlockPlace> places) {
    // The other node gives back what it borrowed to take it by a message of its own.
    TestNodes.await(
        "the blocks are no longer here",
        () -> get(near.tier.host().evict(places, Duration.ZERO)).cardinality() == places.size());
  }

  @Override
  int heldCount() {
    return near.tier.heldCount() + far.tier.heldCount();
  }
}
