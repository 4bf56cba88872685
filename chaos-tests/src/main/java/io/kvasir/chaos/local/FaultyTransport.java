package io.kvasir.chaos.local;

import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.PeerStatus;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Region;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.Verdict;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * A transport whose pulls can be held back and changed before they begin, and which remembers what
 * came of them. Any thread.
 */
public final class FaultyTransport implements BlockTransport {
  private static final int MAX_PULLS = 4096;

  private final BlockTransport transport;
  private final Gate pulls = new Gate();
  private final List<Pull> seen = new ArrayList<>();
  private volatile UnaryOperator<List<PullBlock>> change = UnaryOperator.identity();

  /**
   * One pull.
   *
   * @param blocks as its caller asked for them
   */
  public record Pull(long peerNodeId, List<PullBlock> blocks, TransferResult result) {
    /** Blocks that were refused, or did not come. */
    public List<Verdict> failures() {
      return result.verdicts().stream().filter(verdict -> !verdict.delivered()).toList();
    }
  }

  FaultyTransport(BlockTransport transport) {
    this.transport = transport;
  }

  /** Pulls wait here before they begin. */
  public Gate pulls() {
    return pulls;
  }

  /** Changes what is pulled from now on. */
  public void change(UnaryOperator<List<PullBlock>> how) {
    change = how;
  }

  /** What came of the pulls since the last {@link #forget}. */
  public synchronized List<Pull> seen() {
    return List.copyOf(seen);
  }

  /** Forgets what it has seen, and changes nothing any more. */
  public synchronized void forget() {
    change = UnaryOperator.identity();
    seen.clear();
  }

  private synchronized void note(Pull pull) {
    if (seen.size() < MAX_PULLS) {
      seen.add(pull);
    }
  }

  @Override
  public Transfer pull(
      long peerNodeId, List<PullBlock> blocks, Duration deadline, VerdictListener listener) {
    CompletableFuture<TransferResult> result = new CompletableFuture<>();
    CompletableFuture<Transfer> started = new CompletableFuture<>();
    long startNs = System.nanoTime();
    pulls
        .pass()
        .thenRun(
            () -> {
              Duration left = deadline.minusNanos(System.nanoTime() - startNs);
              Duration patience = left.isPositive() ? left : Duration.ofMillis(1);
              Transfer transfer =
                  transport.pull(peerNodeId, change.apply(blocks), patience, listener);
              started.complete(transfer);
              transfer
                  .result()
                  .whenComplete(
                      (end, failure) -> {
                        if (failure == null) {
                          note(new Pull(peerNodeId, blocks, end));
                          result.complete(end);
                        } else {
                          result.completeExceptionally(failure);
                        }
                      });
            });
    return new Transfer() {
      @Override
      public CompletableFuture<TransferResult> result() {
        return result;
      }

      @Override
      public void cancel() {
        started.thenAccept(Transfer::cancel);
      }

      @Override
      public void hurry() {
        started.thenAccept(Transfer::hurry);
      }
    };
  }

  @Override
  public long nodeId() {
    return transport.nodeId();
  }

  @Override
  public long incarnation() {
    return transport.incarnation();
  }

  @Override
  public Region register(MemorySegment memory, int slotBytes) {
    return transport.register(memory, slotBytes);
  }

  @Override
  public Region register(MemorySegment memory, int slotBytes, MemorySegment generations) {
    return transport.register(memory, slotBytes, generations);
  }

  @Override
  public Invitation invite(long peerNodeId) {
    return transport.invite(peerNodeId);
  }

  @Override
  public CompletableFuture<PeerStatus> connect(Invitation invitation, LinkKeys keys) {
    return transport.connect(invitation, keys);
  }

  @Override
  public CompletableFuture<Void> installKeys(long peerNodeId, LinkKeys next) {
    return transport.installKeys(peerNodeId, next);
  }

  @Override
  public CompletableFuture<Void> activateKeys(long peerNodeId, LinkKeys next) {
    return transport.activateKeys(peerNodeId, next);
  }

  @Override
  public CompletableFuture<Void> disconnect(long peerNodeId) {
    return transport.disconnect(peerNodeId);
  }

  @Override
  public CompletableFuture<PeerStatus> status(long peerNodeId) {
    return transport.status(peerNodeId);
  }

  @Override
  public Transfer push(
      long peerNodeId, List<PushBlock> blocks, DeliveryClass deliveryClass, Duration deadline) {
    return transport.push(peerNodeId, blocks, deliveryClass, deadline);
  }

  @Override
  public void lookAgain(long peerNodeId) {
    transport.lookAgain(peerNodeId);
  }

  @Override
  public void attend() {
    transport.attend();
  }

  @Override
  public CollectiveGroup join(GroupSpec spec) {
    return transport.join(spec);
  }

  @Override
  public TransportCounters counters() {
    return transport.counters();
  }

  @Override
  public long leaseCount() {
    return transport.leaseCount();
  }

  @Override
  public int doWork() {
    return transport.doWork();
  }

  @Override
  public void close() {
    pulls.open();
    transport.close();
  }
}
