package io.kvasir.transport.survive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.Aeron;
import io.aeron.driver.MediaDriver;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.media.AeronMedium;
import io.kvasir.transport.media.AeronSettings;
import io.kvasir.transport.media.TestDriver;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.IoUtil;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Kills and pauses of real processes; time-outs of transport and driver scaled together. */
@ExtendWith(ProcessExtension.class)
class ProcessLossTest {
  private static final Duration BOUND = Duration.ofSeconds(90);
  private static final double SCALE = 0.1;
  private static final long HERE = 1;
  private static final long THERE = 2;

  private static void scale(MediaDriver.Context context, double scale) {
    context
        .clientLivenessTimeoutNs((long) (10_000_000_000L * scale))
        .publicationConnectionTimeoutNs((long) (5_000_000_000L * scale))
        .imageLivenessTimeoutNs((long) (10_000_000_000L * scale))
        .publicationUnblockTimeoutNs((long) (15_000_000_000L * scale))
        .timerIntervalNs((long) (1_000_000_000L * scale));
  }

  private static ChildProcess startPeer(
      ProcessFixture fixture, TestNode here, String folder, String name, double scale)
      throws IOException {
    ChildProcess child =
        fixture.start(
            JvmSpec.of(
                name,
                NodeMain.class,
                folder,
                Long.toString(THERE),
                Long.toString(HERE),
                Double.toString(scale)));
    String invitation = child.awaitLine("invitation (.*)", BOUND).group(1);
    child.send("connect " + NodeMain.encode(here.transport.invite(THERE)));
    child.awaitLine("connected", BOUND);
    here.transport.connect(NodeMain.decode(invitation), null).join();
    return child;
  }

  private static TransferResult push(TestNode from, List<PushBlock> blocks, Duration deadline) {
    return from.transport
        .push(THERE, blocks, DeliveryClass.REQUIRES_DELIVERY, deadline)
        .result()
        .orTimeout(deadline.toMillis() + 30_000, TimeUnit.MILLISECONDS)
        .join();
  }

  @Test
  void shouldReleaseEverythingWhenTheSenderIsKilledMidTransfer(ProcessFixture fixture)
      throws IOException {
    try (TestDriver driver = new TestDriver(context -> scale(context, SCALE));
        TestNode here = NodeMain.node(HERE, driver.folder(), SCALE)) {
      ChildProcess first = startPeer(fixture, here, driver.folder(), "first", SCALE);
      first.send("push " + NodeMain.SLOTS);
      TestTime.await(
          BOUND,
          () -> "blocks arriving",
          () -> here.count(TransportCounter.BLOCKS_RECEIVED) >= NodeMain.SLOTS / 4);
      first.kill();
      TestTime.await(
          BOUND,
          () -> "the transfer's end",
          () ->
              here.transport.leaseCount() == 0
                  && here.arrived.size() + here.freePlaces() == NodeMain.SLOTS
                  && !here.transport.status(THERE).join().ready());
      here.forgetArrived();
      long before = here.count(TransportCounter.BLOCKS_RECEIVED);
      ChildProcess second = startPeer(fixture, here, driver.folder(), "second", SCALE);
      second.send("push " + NodeMain.SLOTS / 2);
      TestTime.await(
          BOUND,
          () -> "blocks of the next life",
          () -> here.count(TransportCounter.BLOCKS_RECEIVED) >= before + NodeMain.SLOTS / 2);
      second.kill();
      TestTime.await(
          BOUND, () -> "the second end", () -> !here.transport.status(THERE).join().ready());
    }
  }

  /** The driver still holds the dead process for alive when its next life comes. */
  @Test
  void shouldServeThePeersNextLifeBeforeTheLossOfTheFormerIsNoticed(ProcessFixture fixture)
      throws IOException {
    try (TestDriver driver = new TestDriver();
        TestNode here = NodeMain.node(HERE, driver.folder(), 1)) {
      ChildProcess first = startPeer(fixture, here, driver.folder(), "first", 1);
      first.send("push " + NodeMain.SLOTS / 2);
      TestTime.await(
          BOUND,
          () -> "blocks arriving",
          () -> here.count(TransportCounter.BLOCKS_RECEIVED) >= NodeMain.SLOTS / 4);
      first.kill();
      ChildProcess second = startPeer(fixture, here, driver.folder(), "second", 1);
      // What the former life had begun ended when the next one was connected in its place.
      assertEquals(0, here.transport.leaseCount());
      here.forgetArrived();
      long before = here.count(TransportCounter.BLOCKS_RECEIVED);
      second.send("push " + NodeMain.SLOTS / 2);
      TestTime.await(
          BOUND,
          () -> "blocks of the next life",
          () -> here.count(TransportCounter.BLOCKS_RECEIVED) >= before + NodeMain.SLOTS / 2);
      second.kill();
    }
  }

  private void pauseReceiver(ProcessFixture fixture, double scale) throws IOException {
    try (TestDriver driver = new TestDriver(context -> scale(context, scale));
        TestNode here = NodeMain.node(HERE, driver.folder(), scale)) {
      ChildProcess child = startPeer(fixture, here, driver.folder(), "receiver", scale);
      List<PushBlock> blocks = NodeMain.batch(here, 4);
      long timeoutNs = (long) (TransportConfig.Timeouts.DEFAULT.peerNs() * scale);
      assertTrue(push(here, blocks.subList(0, 1), BOUND).allDelivered(), "before any pause");
      for (double factor : new double[] {0.5, 1.5, 3}) {
        child.pause();
        long pausedNs = System.nanoTime();
        Duration deadline = Duration.ofNanos((long) (timeoutNs * factor));
        TransferResult stopped = push(here, blocks.subList(1, 2), deadline);
        long tookNs = System.nanoTime() - pausedNs;
        assertEquals(0, stopped.deliveredBytes(), "nothing is proven by a stopped receiver");
        Verdict verdict = stopped.verdicts().get(0);
        boolean ended =
            verdict.equals(Verdict.ofCode(Verdict.TIMED_OUT))
                || verdict.equals(Verdict.ofCode(Verdict.PEER_LOST));
        assertTrue(ended, "pause × " + factor + ": " + verdict);
        TestTime.await(
            BOUND,
            () -> "the pause's length",
            () -> System.nanoTime() - pausedNs >= timeoutNs * factor);
        assertTrue(tookNs < deadline.toNanos() + 30_000_000_000L, "deadlines end by the clock");
        child.resume();
        TestTime.await(
            BOUND,
            () -> "delivery after a pause × " + factor,
            () -> push(here, blocks.subList(2, 3), Duration.ofSeconds(2)).allDelivered());
      }
    }
  }

  @Test
  void shouldEndByTheClockWhileTheReceiverIsPausedAndGoOnAfterwards(ProcessFixture fixture)
      throws IOException {
    pauseReceiver(fixture, SCALE);
  }

  @Test
  @Tag("slow")
  void shouldEndByTheClockAtTheTrueTimeouts(ProcessFixture fixture) throws IOException {
    pauseReceiver(fixture, 1);
  }

  @Test
  void shouldRebuildOnAnotherDriverWhenTheirsIsKilled(ProcessFixture fixture) throws IOException {
    ChildProcess first = fixture.start(JvmSpec.of("driver-1", DriverMain.class));
    AtomicReference<String> folder =
        new AtomicReference<>(first.awaitLine("folder (.*)", BOUND).group(1));
    String killed = folder.get();
    try (TestNode one = following(HERE, folder);
        TestNode other = following(THERE, folder)) {
      TestNode.introduce(one, other, null);
      List<PushBlock> blocks = NodeMain.batch(one, 2);
      assertTrue(push(one, blocks, BOUND).allDelivered());
      other.forgetArrived();
      first.kill();
      ChildProcess second = fixture.start(JvmSpec.of("driver-2", DriverMain.class));
      folder.set(second.awaitLine("folder (.*)", BOUND).group(1));
      TestTime.await(
          BOUND,
          () -> "delivery over the next driver",
          () -> {
            boolean all = push(one, blocks, Duration.ofSeconds(2)).allDelivered();
            other.forgetArrived();
            return all && one.count(TransportCounter.MEDIA_REBUILDS) == 1;
          });
      second.endInput();
      assertEquals(0, second.awaitExit(BOUND), second::lastWords);
    } finally {
      IoUtil.delete(Path.of(killed).toFile(), true);
    }
  }

  /** A node whose driver is wherever the reference points now; it notices a loss in a second. */
  private static TestNode following(long nodeId, AtomicReference<String> folder) {
    AeronSettings settings = AeronSettings.of("", 8192);
    return new TestNode(
        nodeId,
        counters ->
            new AeronMedium(
                () ->
                    Aeron.connect(
                        new Aeron.Context()
                            .aeronDirectoryName(folder.get())
                            .driverTimeoutMs(1_000)
                            .errorHandler(e -> {})),
                settings,
                counters),
        Transports.Options.DEFAULT,
        config -> config.with(config.timeouts().scaled(SCALE)),
        NodeMain.SLOT_BYTES,
        NodeMain.SLOTS);
  }
}
