package io.kvasir.transport.media;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ext.DebugReceiveChannelEndpoint;
import io.aeron.driver.ext.DebugSendChannelEndpoint;
import io.aeron.driver.ext.LossGenerator;
import io.aeron.driver.ext.RandomLossGenerator;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datagrams vanish in both drivers and both directions; every block arrives all the same. */
class LossyUdpTest {
  private static final long SEED = 7;

  /** Drops at random and counts what it dropped. */
  private record CountingLoss(LossGenerator generator, AtomicLong dropped)
      implements LossGenerator {
    @Override
    public boolean shouldDropFrame(InetSocketAddress address, UnsafeBuffer buffer, int length) {
      boolean drop = generator.shouldDropFrame(address, buffer, length);
      if (drop) {
        dropped.incrementAndGet();
      }
      return drop;
    }

    @Override
    public boolean shouldDropFrame(
        InetSocketAddress address,
        UnsafeBuffer buffer,
        int streamId,
        int sessionId,
        int termId,
        int termOffset,
        int length) {
      return shouldDropFrame(address, buffer, length);
    }
  }

  private static void lose(MediaDriver.Context context, double rate, AtomicLong dropped) {
    context
        .sendChannelEndpointSupplier(
            (channel, indicator, ctx) ->
                new DebugSendChannelEndpoint(
                    channel, indicator, ctx, loss(rate, 1, dropped), loss(rate, 2, dropped)))
        .receiveChannelEndpointSupplier(
            (channel, dispatcher, indicator, ctx) ->
                new DebugReceiveChannelEndpoint(
                    channel,
                    dispatcher,
                    indicator,
                    ctx,
                    loss(rate, 3, dropped),
                    loss(rate, 4, dropped)));
  }

  private static LossGenerator loss(double rate, int salt, AtomicLong dropped) {
    return new CountingLoss(new RandomLossGenerator(rate, SEED + salt), dropped);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.01, 0.1, 0.3})
  void shouldDeliverEverythingBitEqual(double rate) {
    AtomicLong dropped = new AtomicLong();
    int count = 12;
    int length = 100_003;
    try (TestDriver here = new TestDriver(context -> lose(context, rate, dropped));
        TestDriver there = new TestDriver(context -> lose(context, rate, dropped));
        TestNode one = node(1, here, length, count);
        TestNode other = node(2, there, length, count)) {
      TestNode.introduce(one, other, null);
      List<PushBlock> push = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        push.add(PushBlock.of(one.seal(new BlockKey(6, i), i, length, 1)));
      }
      TransferResult result =
          one.transport
              .push(2, push, DeliveryClass.REQUIRES_DELIVERY, Duration.ofSeconds(120))
              .result()
              .orTimeout(150, TimeUnit.SECONDS)
              .join();
      assertTrue(result.allDelivered(), () -> "" + result.verdicts());
      for (int i = 0; i < count; i++) {
        int slot = other.arrived.get(new BlockKey(6, i)).slot();
        assertTrue(TestNode.equal(one.own, i, other.places, slot, 0, length));
      }
      assertTrue(dropped.get() > 0, "the generators dropped something");
      assertEquals(0, other.count(TransportCounter.CHECKSUM_FAILURES));
    }
  }

  private static TestNode node(long id, TestDriver driver, int slotBytes, int slots) {
    AeronSettings settings = AeronSettings.of(TestDriver.freeEndpoint(), 1408);
    return new TestNode(
        id,
        counters -> new AeronMedium(driver.clients(), settings, counters),
        Transports.Options.DEFAULT,
        config ->
            config.with(
                new TransportConfig.Timeouts(
                    200_000_000L,
                    1_000_000L,
                    30_000_000_000L,
                    30_000_000_000L,
                    60_000_000_000L,
                    2_000_000_000L,
                    1_000_000L)),
        slotBytes,
        slots);
  }
}
