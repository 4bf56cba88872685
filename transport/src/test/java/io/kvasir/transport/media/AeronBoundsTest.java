package io.kvasir.transport.media;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.Aeron;
import io.aeron.CommonContext;
import io.aeron.Publication;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportMeters;
import io.kvasir.transport.Transports;
import io.kvasir.transport.process.TestTime;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What peers cost, who may send, and what can be seen from outside. */
class AeronBoundsTest {
  private static final Duration BOUND = Duration.ofSeconds(60);

  @TempDir private Path folder;

  private static TestNode node(long id, TestDriver driver, int slotBytes, int slots) {
    AeronSettings settings = AeronSettings.of(TestDriver.freeEndpoint(), 8192);
    return node(id, driver, settings, Transports.Options.DEFAULT, slotBytes, slots);
  }

  private static TestNode node(
      long id,
      TestDriver driver,
      AeronSettings settings,
      Transports.Options options,
      int slotBytes,
      int slots) {
    return new TestNode(
        id,
        counters -> new AeronMedium(driver.clients(), settings, counters),
        options,
        Function.identity(),
        slotBytes,
        slots);
  }

  private static boolean push(TestNode from, TestNode to, long key, int slot) {
    PushBlock block = PushBlock.of(from.seal(new BlockKey(1, key), slot, 4096, 1));
    Transfer transfer =
        from.transport.push(
            to.transport.nodeId(), List.of(block), DeliveryClass.REQUIRES_DELIVERY, BOUND);
    return transfer.result().orTimeout(90, TimeUnit.SECONDS).join().allDelivered();
  }

  @Test
  void shouldServeFiftyPeersAndOpenNothingBeforeTheFirstTransfer() throws Exception {
    int peers = 50;
    try (TestDriver driver = new TestDriver();
        TestNode hub = node(1, driver, 4096, peers)) {
      List<TestNode> nodes = new ArrayList<>();
      try {
        for (int i = 0; i < peers; i++) {
          TestNode node = node(100 + i, driver, 4096, 1);
          nodes.add(node);
          TestNode.introduce(hub, node, null);
        }
        assertEquals(0, driver.logFileCount(), "logs before any transfer");
        for (int i = 0; i < peers; i++) {
          assertTrue(push(nodes.get(i), hub, i, 0), "peer " + i);
        }
        assertEquals(peers, hub.arrived.size());
        assertEquals(peers, hub.count(TransportCounter.PEERS));
      } finally {
        nodes.forEach(TestNode::close);
      }
    }
  }

  @Test
  void shouldGiveStrangersNoBuffers() throws Exception {
    try (TestDriver here = new TestDriver();
        TestDriver there = new TestDriver()) {
      String endpoint = TestDriver.freeEndpoint();
      AeronSettings settings = AeronSettings.of(endpoint, 8192);
      try (TestNode one = node(1, here, 4096, 4);
          TestNode other = node(2, there, settings, Transports.Options.DEFAULT, 4096, 4);
          Aeron stranger = there.clients().get();
          Aeron remote = here.clients().get()) {
        TestNode.introduce(one, other, null);
        assertTrue(push(one, other, 1, 0));
        long before = there.logFileCount();
        String channel = "aeron:udp?endpoint=" + endpoint + "|mtu=8192|term-length=64k";
        Publication udp = remote.addPublication(channel, settings.streamBase());
        Publication ipc =
            stranger.addPublication(
                CommonContext.IPC_CHANNEL + "?term-length=64k", settings.streamBase());
        assertTrue(push(one, other, 2, 1), "the invited peer is served meanwhile");
        assertFalse(udp.isConnected());
        assertFalse(ipc.isConnected());
        assertEquals(before + 1, there.logFileCount(), "only the stranger's own log was added");
      }
    }
  }

  @Test
  void shouldRefuseToLeaveTheHostWithoutKeys() {
    try (TestDriver driver = new TestDriver();
        TestNode one = node(1, driver, 4096, 1)) {
      one.transport.invite(9);
      Invitation far = new Invitation(9, 5, 1, 77, "192.0.2.1:4000", 1, 1);
      CompletionException refused =
          assertThrows(CompletionException.class, () -> one.transport.connect(far, null).join());
      assertTrue(refused.getCause().getMessage().contains("LinkKeys"), refused::toString);
    }
  }

  @Test
  void shouldShowCountersToOtherProcessesAndAsMeters() {
    try (TestDriver driver = new TestDriver();
        TestNode one = node(1, driver, 4096, 1);
        TestNode other = node(2, driver, 4096, 1);
        Aeron reader = driver.clients().get()) {
      TestNode.introduce(one, other, null);
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      new TransportMeters(one.transport).bindTo(registry);
      assertTrue(push(one, other, 1, 0));
      int type = CounterExport.TYPE_BASE + TransportCounter.BLOCKS_DELIVERED.id();
      TestTime.await(
          BOUND,
          () -> "delivered blocks in the driver's folder",
          () -> {
            AtomicLong seen = new AtomicLong();
            reader
                .countersReader()
                .forEach(
                    (id, typeId, key, label) -> {
                      if (typeId == type) {
                        seen.addAndGet(reader.countersReader().getCounterValue(id));
                      }
                    });
            return seen.get() == 1;
          });
      assertEquals(
          1.0, registry.get("kvasir.transport.blocks.delivered").functionCounter().count());
      assertEquals(0.0, registry.get("kvasir.transport.leases").gauge().value());
    }
  }

  @Test
  void shouldRecordAnEventPerTransfer() throws Exception {
    Path file = folder.resolve("transfers.jfr");
    try (Recording recording = new Recording();
        TestDriver driver = new TestDriver();
        TestNode one = node(1, driver, 4096, 1);
        TestNode other = node(2, driver, 4096, 1)) {
      recording.enable("kvasir.BlockTransfer");
      recording.start();
      TestNode.introduce(one, other, null);
      assertTrue(push(one, other, 1, 0));
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertEquals(1, events.size());
    assertEquals(4096, events.get(0).getLong("deliveredBytes"));
    assertEquals(2, events.get(0).getLong("peerNodeId"));
  }
}
