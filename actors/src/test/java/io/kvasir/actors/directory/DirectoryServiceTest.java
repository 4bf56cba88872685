package io.kvasir.actors.directory;

import static io.kvasir.actors.directory.TestDirectoryNode.chain;
import static io.kvasir.actors.directory.TestDirectoryNode.connect;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.Residence;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three actor systems with remoting between them. Node 1 keeps no copy. */
final class DirectoryServiceTest {
  private static final DirectorySettings SETTINGS = TestSettings.with("heartbeat = 200 ms");
  private static TestDirectoryNode client;
  private static TestDirectoryNode left;
  private static TestDirectoryNode right;
  private static int chains;

  @BeforeAll
  static void start() {
    client = new TestDirectoryNode(1, 11, TestSettings.with("keep = false"));
    left = new TestDirectoryNode(2, 12, SETTINGS);
    right = new TestDirectoryNode(3, 13, SETTINGS);
  }

  @AfterAll
  static void stop() throws Exception {
    client.close();
    left.close();
    right.close();
  }

  @BeforeEach
  void connectAll() {
    connect(client, left, right);
  }

  private static BlockKeys newChain(int blocks) {
    return chain(++chains, blocks);
  }

  @Test
  void shouldNameEveryHolderToEveryNode() throws Exception {
    BlockKeys keys = newChain(5000);
    left.announce(Residence.HOST, keys);
    right.announce(Residence.DEVICE, keys);
    right.announce(Residence.HOST, keys);
    for (TestDirectoryNode asker : new TestDirectoryNode[] {client, left, right}) {
      Holdings found = asker.await(keys, 3);
      Set<String> named = new HashSet<>();
      for (Holdings.Holder holder : found.holders()) {
        named.add(holder.nodeId() + " " + holder.incarnation() + " " + holder.residence());
      }
      assertEquals(Set.of("2 12 HOST", "3 13 DEVICE", "3 13 HOST"), named);
    }
    Holdings whole = client.await(keys, 3);
    while (whole.holders().stream().anyMatch(h -> h.blocks().getFirst().cardinality() < 5000)) {
      whole = client.await(keys, 3);
    }
    assertTrue(left.service().metrics().entries() >= 10_000);
  }

  @Test
  void shouldForgetATierThatWasClearedWithinASecond() throws Exception {
    BlockKeys keys = newChain(20);
    left.announce(Residence.DISK, keys);
    client.await(keys, 1);
    left.service().announcer().cleared(Residence.DISK);
    client.await(keys, 0);
    left.announce(Residence.DISK, keys);
    client.await(keys, 1);
  }

  @Test
  void shouldForgetABlockThatLeft() throws Exception {
    BlockKeys keys = newChain(1);
    left.announce(Residence.HOST, keys);
    client.await(keys, 1);
    left.service().announcer().removed(Residence.HOST, 0, keys.high(0, 0), keys.low(0, 0));
    client.await(keys, 0);
  }

  @Test
  void shouldTellChangeAfterChangeWithoutWaitingForTheNextBeat() throws Exception {
    Duration beat = Duration.ofSeconds(15);
    DirectorySettings seldom =
        TestSettings.with("keep = false, heartbeat = 30 s, ack-timeout = 30 s");
    try (TestDirectoryNode owner = new TestDirectoryNode(6, 16, seldom)) {
      connect(client, left, right, owner);
      BlockKeys first = newChain(1);
      owner.announce(Residence.HOST, first);
      client.await(first, 1);
      long startNs = System.nanoTime();
      for (int change = 0; change < 3; change++) {
        BlockKeys next = newChain(1);
        owner.announce(Residence.HOST, next);
        client.await(next, 1);
      }
      Duration took = Duration.ofNanos(System.nanoTime() - startNs);
      assertTrue(took.compareTo(beat) < 0, () -> "three changes took " + took);
    }
  }

  @Test
  void shouldNotNameANodeThatLeftTheViewAndLearnItAgain() throws Exception {
    BlockKeys keys = newChain(20);
    right.announce(Residence.HOST, keys);
    client.await(keys, 1);
    connect(client, left);
    assertEquals(0, client.find(keys, Duration.ofSeconds(5)).holders().size());
    connect(client, left, right);
    client.await(keys, 1);
  }

  @Test
  void shouldAnswerLateInsteadOfWaitingForASilentCopy() throws Exception {
    BlockKeys keys = newChain(20);
    TestDirectoryNode silent = new TestDirectoryNode(4, 14, SETTINGS);
    connect(client, silent);
    silent.close();
    assertTrue(client.find(keys, Duration.ofMillis(30)).late());
  }

  @Test
  void shouldAskTheSecondCopyWhenTheFirstIsSilent() throws Exception {
    BlockKeys keys = newChain(20);
    left.announce(Residence.HOST, keys);
    client.await(keys, 1);
    TestDirectoryNode silent = new TestDirectoryNode(5, 15, SETTINGS);
    connect(client, left, silent);
    silent.close();
    long before = client.service().metrics().hedged();
    for (int i = 0; i < 40; i++) {
      client.await(keys, 1);
    }
    assertTrue(client.service().metrics().hedged() > before, "the silent one was asked first");
  }

  @Test
  void shouldKnowNothingWhereNobodyKeepsACopy() {
    connect(client);
    assertSame(Holdings.NONE, client.find(newChain(3), Duration.ofMillis(20)));
  }

  @Test
  void shouldAnswerFromItsOwnCopyWithoutAMessage() throws Exception {
    BlockKeys keys = newChain(20);
    right.announce(Residence.HOST, keys);
    left.await(keys, 1);
    long before = left.service().metrics().localLookups();
    for (int i = 0; i < 100; i++) {
      left.await(keys, 1);
    }
    assertEquals(before + 100, left.service().metrics().localLookups());
  }

  @Test
  void shouldExportItsFigures() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    left.service().metrics().bindTo(registry);
    assertEquals(13, registry.getMeters().size());
    assertTrue(registry.get("kvasir.directory_snapshots").functionCounter().count() >= 2);
  }
}
