package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.tier.BlockFetcher.Fetched;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.driver.DriverClients;
import io.kvasir.transport.driver.DriverSettings;
import io.kvasir.transport.driver.SizingSettings;
import io.kvasir.transport.media.AeronMedium;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Two nodes over one media driver (shared memory), and one that is reached by UDP, encrypted. */
final class TierNodesTest {
  private static final BlockShape SHAPE = TestBlocks.GROUPED;
  private static final int BLOCKS = 40;
  private static final int TOKENS = BLOCKS * TestBlocks.SLOTS;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final long HOST_BYTES = 4 << 20;

  private static TestNodes nodes;
  private static DriverClients driver;
  private static FakeDevice deviceOne;
  private static FakeDevice deviceTwo;
  private static TestNodes.Node one;
  private static TestNodes.Node two;
  private static int seed = 1000;

  @BeforeAll
  static void start() {
    DriverSettings settings = DriverSettings.from(ConfigFactory.load());
    driver = new DriverClients(settings, sizing(), "tiers", error -> {});
    nodes = new TestNodes();
    deviceOne = new FakeDevice(SHAPE, 1 << 16);
    deviceTwo = new FakeDevice(SHAPE, 1 << 16);
    one = shared(1, deviceOne);
    two = shared(2, deviceTwo);
    assertTrue(one.links.ready(2, LONG).toCompletableFuture().join());
    assertTrue(two.links.ready(1, LONG).toCompletableFuture().join());
  }

  private static SizingSettings sizing() {
    return SizingSettings.from(ConfigFactory.load())
        .change(Map.of("bulk-term", "256 KiB", "max-peers", 3, "nodes-per-host", 3));
  }

  /** A prior that makes computing look slow: what can be loaded is. */
  private static Config config() {
    return ConfigFactory.parseString(
        "kvasir.actors.tier { priors.prefill-tokens-per-second = 1, lookup-deadline = 10 s }");
  }

  private static TestNodes.Node shared(long id, FakeDevice device) {
    return nodes
    .new Node(
        id,
        SHAPE,
        device,
        HOST_BYTES,
        config(),
        (transportConfig, source) ->
            Transports.start(
                transportConfig,
                counters -> new AeronMedium(driver, driver.lanes(""), counters),
                source,
                BlockSink.NONE,
                Transports.Options.DEFAULT));
  }

  @AfterAll
  static void stop() {
    nodes.close();
    driver.close();
    deviceOne.close();
    deviceTwo.close();
  }

  @AfterEach
  void nothingIsHeld() {
    for (TestNodes.Node node : List.of(one, two)) {
      TestNodes.await("leases end", () -> node.tier.heldCount() == 0);
      TestNodes.await("regions rest", () -> node.links.transport().leaseCount() == 0);
    }
    assertEquals(0, deviceOne.pins.get());
    assertEquals(0, deviceTwo.pins.get());
  }

  private static BlockKeys freshKeys() {
    return TestBlocks.keys(SHAPE, "tenant", seed++, BLOCKS);
  }

  /** A prompt that node one has computed and copied down. */
  private static BlockKeys computedOnOne() {
    BlockKeys keys = freshKeys();
    deviceOne.compute(keys, 0, BLOCKS);
    TestNodes.await(
        "the copies are announced",
        () -> one.announced(Residence.HOST, keys) == BLOCKS * SHAPE.groups().size());
    return keys;
  }

  private static void close(Fetched fetched) {
    fetched.pins().forEach(pin -> pin.close());
  }

  /** Σ sources + misses = tokens of full blocks, whatever happened. */
  private static void assertAddsUp(Fetched fetched, int onDevice) {
    int loaded = fetched.loaded().stream().mapToInt(span -> span.to() - span.from()).sum();
    int missed = fetched.misses().values().stream().mapToInt(Integer::intValue).sum();
    assertEquals(TOKENS, onDevice + loaded + missed, fetched.toString());
  }

  @Test
  void shouldMeasureHostAndPeerOnPurposeAndPlanWithIt() {
    Rates measured =
        two.tier.calibrate().toCompletableFuture().orTimeout(120, TimeUnit.SECONDS).join();
    assertEquals("tiny", measured.model());
    Map<String, Rates.Source> sources = new HashMap<>();
    measured.sources().forEach(one -> sources.put(one.source() + " " + one.node(), one));
    for (String name : List.of("host node2", "peer node1")) {
      Rates.Source source = sources.get(name);
      assertTrue(source != null && source.samples() >= 9, name + " in " + measured);
      assertTrue(source.bytesPerSecond() > 1e6 && source.bytesPerSecond() < 1e12, name + source);
      assertTrue(source.fixedMs() >= 0, name + source);
      assertFalse(source.bypassed(), name);
    }
    assertTrue(measured.deviceBytesPerSecond() > 1e6, measured.toString());
    assertTrue(
        two.tier.explain().stream().anyMatch(line -> line.contains("loads measured")),
        two.tier.explain().toString());
    // What it brought is the first to go from the device.
    assertTrue(deviceTwo.demoted.size() > 9, "demoted " + deviceTwo.demoted.size());
    BlockKeys keys = computedOnOne();
    Fetched fetched = two.fetch(keys, TOKENS, LONG);
    assertEquals(List.of(new LoadedSpan(0, TOKENS, Residence.PEER)), fetched.loaded());
    close(fetched);
  }

  @Test
  void shouldServeFromAnotherNodeWhatThatNodeHasComputed() {
    BlockKeys keys = computedOnOne();
    Fetched fetched = two.fetch(keys, TOKENS, LONG);
    assertEquals(
        List.of(new LoadedSpan(0, TOKENS, Residence.PEER)),
        fetched.loaded(),
        fetched.explained().toString());
    assertTrue(fetched.misses().isEmpty());
    assertTrue(deviceTwo.holds(keys, BLOCKS - 2, BLOCKS));
    assertEquals(MediumKind.IPC, two.links.status(1).medium());
    assertTrue(two.links.status(1).bytesPerSecond() > 0);
    assertTrue(fetched.explained().getFirst().contains("are loaded from node 1"));
    close(fetched);
  }

  @Test
  void shouldServeFromThisHostWhatTheDeviceHasForgotten() {
    BlockKeys keys = computedOnOne();
    deviceOne.clear().join();
    assertEquals(0, one.announced(Residence.DEVICE, keys));
    Fetched fetched = one.fetch(keys, TOKENS, LONG);
    assertEquals(List.of(new LoadedSpan(0, TOKENS, Residence.HOST)), fetched.loaded());
    assertAddsUp(fetched, 0);
    close(fetched);
  }

  @Test
  void shouldJoinDeviceHostAndPeerIntoOnePrefix() {
    BlockKeys keys = computedOnOne();
    Fetched first = two.fetch(TestBlocks.keys(SHAPE, "tenant", seed - 1, 10), 40, LONG);
    close(first);
    deviceTwo.clear().join();
    deviceTwo.compute(keys, 0, 4);
    Fetched fetched = two.fetch(keys, TOKENS + 3, LONG);
    assertEquals(
        List.of(new LoadedSpan(16, 40, Residence.HOST), new LoadedSpan(40, TOKENS, Residence.PEER)),
        fetched.loaded());
    assertAddsUp(fetched, 16);
    close(fetched);
  }

  @Test
  void shouldMissWhatNobodyHas() {
    Fetched fetched = two.fetch(freshKeys(), TOKENS, LONG);
    assertTrue(fetched.loaded().isEmpty());
    assertEquals(Map.of(MissReason.NOT_CACHED, TOKENS), fetched.misses());
    close(fetched);
  }

  @Test
  void shouldKeepTenantsApartInEveryTier() {
    computedOnOne();
    BlockKeys other = TestBlocks.keys(SHAPE, "other", seed - 1, BLOCKS);
    Fetched fetched = two.fetch(other, TOKENS, LONG);
    assertEquals(Map.of(MissReason.NOT_CACHED, TOKENS), fetched.misses());
    close(fetched);
    Fetched same = two.fetch(TestBlocks.keys(SHAPE, "tenant", seed - 1, BLOCKS), TOKENS, LONG);
    assertFalse(same.loaded().isEmpty());
    close(same);
  }

  @Test
  void shouldLendWhatOnlyTheDeviceHas() {
    BlockKeys keys = computedOnOne();
    one.tier.host().evict(BlockPlace.of(keys, 0, BLOCKS), Duration.ZERO);
    assertEquals(0, one.announced(Residence.HOST, keys));
    Fetched fetched = two.fetch(keys, TOKENS, LONG);
    assertEquals(List.of(new LoadedSpan(0, TOKENS, Residence.PEER)), fetched.loaded());
    close(fetched);
  }

  @Test
  void shouldRefuseABlockThatChangedInMemoryAndComputeFromThere() {
    BlockKeys keys = computedOnOne();
    deviceOne.clear().join();
    BlockPlace broken = BlockPlace.of(keys, 20, 21).getFirst();
    long before = one.tier.host().stats().corrupt();
    HostTierTest.corrupt(one.tier.host(), broken);
    Fetched fetched = two.fetch(keys, TOKENS, LONG);
    int end = fetched.loaded().isEmpty() ? 0 : fetched.loaded().getLast().to();
    assertEquals(20 * TestBlocks.SLOTS, end, fetched.explained().toString());
    assertAddsUp(fetched, 0);
    assertTrue(deviceTwo.holds(keys, 18, 20));
    TestNodes.await("the lender drops it", () -> one.tier.host().stats().corrupt() > before);
    close(fetched);

    HostTierTest.corrupt(one.tier.host(), BlockPlace.of(keys, 5, 6).getFirst());
    Fetched here = one.fetch(keys, TOKENS, LONG);
    assertEquals(
        List.of(
            new LoadedSpan(0, 20, Residence.HOST),
            new LoadedSpan(20, 24, Residence.PEER),
            new LoadedSpan(24, 80, Residence.HOST)),
        here.loaded(),
        "node 2 has the block that broke here");
    assertAddsUp(here, 0);
    close(here);
  }

  @Test
  void shouldReadOnceWhatSeveralPromptsWantAtATime() {
    BlockKeys keys = computedOnOne();
    long before = two.links.transport().counters().get(TransportCounter.BLOCKS_DELIVERED);
    List<CompletableFuture<Fetched>> fetches = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      fetches.add(
          two.tier
              .fetcher()
              .fetch(new BlockFetcher.Order(i, TOKENS, keys, LONG))
              .toCompletableFuture());
    }
    for (CompletableFuture<Fetched> fetch : fetches) {
      Fetched fetched = fetch.orTimeout(60, TimeUnit.SECONDS).join();
      assertTrue(fetched.misses().isEmpty(), fetched.toString());
      close(fetched);
    }
    long read = two.links.transport().counters().get(TransportCounter.BLOCKS_DELIVERED) - before;
    assertTrue(read <= BLOCKS + 2, "read=" + read + " blocks of " + (BLOCKS + 2));
  }

  @Test
  void shouldComputeWhatDoesNotFitOnTheDevice() {
    BlockKeys keys = computedOnOne();
    FakeDevice small = new FakeDevice(SHAPE, 10);
    try (TestNodes.Node three = shared(3, small)) {
      Fetched fetched = three.fetch(keys, TOKENS, LONG);
      assertTrue(fetched.misses().containsKey(MissReason.NO_SPACE), fetched.toString());
      assertAddsUp(fetched, 0);
      close(fetched);
      TestNodes.await("leases end", () -> three.tier.heldCount() == 0);
    }
    small.close();
  }

  /** The same over UDP, sealed; and the lender dies while blocks are wanted of it. */
  @Test
  void shouldReadOverUdpWithKeysAndComputeWhenTheLenderIsLost() {
    Config udp =
        ConfigFactory.parseString(
                """
                kvasir.actors.link { udp-host = "127.0.0.1", encryption = always }
                kvasir.transport.sizing { bulk-term = 256 KiB, max-peers = 3, mtu = 8192 }
                """)
            .withFallback(config());
    FakeDevice lends = new FakeDevice(SHAPE, 1 << 16);
    FakeDevice reads = new FakeDevice(SHAPE, 1 << 16);
    TestNodes others = new TestNodes();
    TestNodes.Node lender = others.new Node(11, SHAPE, lends, HOST_BYTES, udp, null);
    TestNodes.Node reader = others.new Node(12, SHAPE, reads, HOST_BYTES, udp, null);
    BlockKeys keys = freshKeys();
    BlockKeys later = freshKeys();
    lends.compute(keys, 0, BLOCKS);
    lends.compute(later, 0, BLOCKS);
    TestNodes.await(
        "the copies are announced",
        () -> lender.announced(Residence.HOST, later) == BLOCKS * SHAPE.groups().size());
    Fetched fetched = reader.fetch(keys, TOKENS, LONG);
    assertEquals(
        List.of(new LoadedSpan(0, TOKENS, Residence.PEER)),
        fetched.loaded(),
        fetched.explained().toString());
    assertEquals(MediumKind.UDP, reader.links.status(11).medium());
    assertTrue(reader.links.status(11).encrypted());
    close(fetched);

    lender.vanish();
    // The directory and the view still name it: nobody waits for it until the deadline.
    long startNs = System.nanoTime();
    Fetched lost = reader.fetch(later, TOKENS, LONG);
    long waitedMs = (System.nanoTime() - startNs) / 1_000_000;
    assertTrue(waitedMs < LONG.toMillis() / 3, "waited " + waitedMs + " ms for a dead node");
    assertTrue(lost.loaded().isEmpty());
    assertEquals(Map.of(MissReason.LOAD_FAILED, TOKENS), lost.misses());
    close(lost);
    TestNodes.await("nothing is held", () -> reader.tier.heldCount() == 0);
    lender.leaveView();
    assertFalse(reader.links.ready(11, LONG).toCompletableFuture().join());
    others.close();
    lends.close();
    reads.close();
  }

  @Test
  void shouldDeclineStrangersOtherLivesAndOtherDomains() {
    BlockKeys keys = computedOnOne();
    TestProbe<TierMessage> probe = TestProbe.create(Adapter.toTyped(Adapter.toClassic(two.system)));
    TierMessage.Chain chain = TierMessage.Chain.of(BlockPlace.of(keys, 0, 2));
    long life = one.info().incarnation();
    long asker = two.info().incarnation();
    String domain = SHAPE.domainDigest();
    record Case(TierMessage.Lives lives, String domain, TierMessage.Chain chain, String reason) {}
    List<Case> cases =
        List.of(
            new Case(new TierMessage.Lives(2, asker, 1, life + 1), domain, chain, "OTHER_LIFE"),
            new Case(new TierMessage.Lives(2, asker + 1, 1, life), domain, chain, "STRANGER"),
            new Case(new TierMessage.Lives(99, 1, 1, life), domain, chain, "STRANGER"),
            new Case(new TierMessage.Lives(2, asker, 1, life), "other", chain, "OTHER_DOMAIN"),
            new Case(
                new TierMessage.Lives(2, asker, 1, life),
                domain,
                new TierMessage.Chain(1, 2, new int[] {7}, new int[] {0}, new long[] {1, 2}),
                "MALFORMED"),
            new Case(
                new TierMessage.Lives(2, asker, 1, life),
                domain,
                new TierMessage.Chain(1, 2, new int[] {0}, new int[] {0}, new long[] {1}),
                "MALFORMED"));
    for (Case refused : cases) {
      one.info()
          .tier()
          .tell(
              new TierMessage.Borrow(
                  77, refused.lives(), refused.domain(), refused.chain(), 1000, probe.getRef()));
      TierMessage.Declined answer =
          assertInstanceOf(
              TierMessage.Declined.class, probe.receiveMessage(Duration.ofSeconds(30)));
      assertEquals(refused.reason(), answer.reason().name());
    }
  }
}
