package io.kvasir.transport.bench;

import com.sun.management.ThreadMXBean;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.AeronMedium;
import io.kvasir.transport.media.AeronSettings;
import io.kvasir.transport.media.TestDriver;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Pushes a batch of blocks again and again between two nodes of one JVM; prints GB/s and the bytes
 * allocated per frame over all threads.
 */
public final class BulkRate {
  private BulkRate() {}

  /** Arguments: ipc|udp, MTU, block bytes, blocks, rounds, sealed (true|false), window bytes. */
  public static void main(String[] args) {
    boolean ipc = args[0].equals("ipc");
    int mtu = Integer.parseInt(args[1]);
    int blockBytes = Integer.parseInt(args[2]);
    int blocks = Integer.parseInt(args[3]);
    int rounds = Integer.parseInt(args[4]);
    boolean sealed = Boolean.parseBoolean(args[5]);
    int window = Integer.parseInt(args[6]);
    Transports.Options options =
        Transports.Options.DEFAULT.with(
            sealed ? Transports.Encryption.ALWAYS : Transports.Encryption.NEVER);
    try (TestDriver here = new TestDriver();
        TestDriver there = ipc ? here : new TestDriver();
        TestNode one = node(1, here, mtu, options, window, blockBytes, blocks);
        TestNode other = node(2, there, mtu, options, window, blockBytes, blocks)) {
      TestNode.introduce(one, other, sealed ? new LinkKeys(1, new byte[32], new byte[32]) : null);
      List<PushBlock> batch = new ArrayList<>();
      for (int i = 0; i < blocks; i++) {
        batch.add(PushBlock.of(one.seal(new BlockKey(1, i), i, blockBytes, 1)));
      }
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      double best = 0;
      // The least of the rounds: what each frame costs shows in all of them, compilers in some.
      // Once
      // it is below a byte no further round can say more.
      double bytesPerFrame = Double.MAX_VALUE;
      for (int round = 0; round < rounds && (round < 5 || bytesPerFrame >= 1); round++) {
        long frames = one.count(TransportCounter.FRAMES_SENT);
        long allocated = threads.getTotalThreadAllocatedBytes();
        long startNs = System.nanoTime();
        TransferResult result =
            one.transport
                .push(2, batch, DeliveryClass.REQUIRES_DELIVERY, Duration.ofSeconds(60))
                .result()
                .join();
        long ns = System.nanoTime() - startNs;
        if (!result.allDelivered()) {
          throw new IllegalStateException("not all delivered: " + result.verdicts());
        }
        best = Math.max(best, (double) result.deliveredBytes() / ns);
        bytesPerFrame =
            Math.min(
                bytesPerFrame,
                (double) (threads.getTotalThreadAllocatedBytes() - allocated)
                    / (one.count(TransportCounter.FRAMES_SENT) - frames));
        other.forgetArrived();
      }
      System.err.printf(
          "go-backs %d, credit waits %d, back-pressure %d%n",
          one.count(TransportCounter.GO_BACKS),
          one.count(TransportCounter.CREDIT_WAITS),
          one.count(TransportCounter.BACK_PRESSURED));
      System.out.printf("%.3f %.2f%n", best, bytesPerFrame);
    }
  }

  private static TestNode node(
      long id,
      TestDriver driver,
      int mtu,
      Transports.Options options,
      int window,
      int slotBytes,
      int slots) {
    TransportConfig.Limits limits = TransportConfig.Limits.DEFAULT;
    return new TestNode(
        id,
        counters ->
            new AeronMedium(
                driver.clients(), AeronSettings.of(TestDriver.freeEndpoint(), mtu), counters),
        options,
        config ->
            config.with(
                new TransportConfig.Limits(
                    window,
                    limits.maxPeers(),
                    limits.maxTransfersPerPeer(),
                    limits.maxBatchBlocks(),
                    limits.bytesPerCycle(),
                    limits.commandQueueLength(),
                    limits.maxGroups(),
                    limits.maxVectorBytes())),
        slotBytes,
        slots);
  }
}
