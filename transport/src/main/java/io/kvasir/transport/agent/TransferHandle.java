package io.kvasir.transport.agent;

import io.kvasir.transport.BlockTransport.VerdictListener;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.protocol.CoreTransfer;
import io.kvasir.transport.protocol.TransferListener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.ObjLongConsumer;

/** A transfer as its caller sees it, fed by the core. */
final class TransferHandle implements Transfer, TransferListener {
  private final NodeTransport transport;
  private final int blockCount;
  private final VerdictListener verdicts;
  private final BlockTransferEvent event = new BlockTransferEvent();
  private final CompletableFuture<TransferResult> result = new CompletableFuture<>();
  private CoreTransfer transfer;

  TransferHandle(
      NodeTransport transport,
      long peerNodeId,
      boolean pull,
      int blockCount,
      VerdictListener verdicts) {
    this.transport = transport;
    this.blockCount = blockCount;
    this.verdicts = verdicts;
    event.peerNodeId = peerNodeId;
    event.pull = pull;
    event.blocks = blockCount;
    event.begin();
  }

  void started(CoreTransfer core) {
    transfer = core;
  }

  @Override
  public CompletableFuture<TransferResult> result() {
    return result;
  }

  @Override
  public void cancel() {
    submit((core, nowNs) -> core.end(Refusal.CANCELLED.code(), nowNs));
  }

  @Override
  public void hurry() {
    submit((core, nowNs) -> core.hurry());
  }

  private void submit(ObjLongConsumer<CoreTransfer> action) {
    transport.submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            if (transfer != null) {
              action.accept(transfer, nowNs);
            }
          }

          @Override
          public void reject(Refusal reason) {}
        });
  }

  /** Refuses all blocks before the core knew of them. */
  void refuseAll(int code) {
    byte[] codes = new byte[blockCount];
    Arrays.fill(codes, (byte) code);
    onEnd(codes, 0, 0);
  }

  @Override
  public void onBlock(int index, int code) {
    if (verdicts != null) {
      try {
        verdicts.onVerdict(index, Verdict.ofCode(code));
      } catch (RuntimeException e) {
        transport.onError(e);
      } catch (Error e) {
        if (!transport.hasEnded()) {
          throw e;
        }
        transport.onError(e);
      }
    }
  }

  @Override
  public void onEnd(byte[] codes, long deliveredBytes, long durationNs) {
    List<Verdict> all = new ArrayList<>(codes.length);
    for (byte code : codes) {
      all.add(Verdict.ofCode(code));
      event.deliveredBlocks += code == Verdict.DELIVERED ? 1 : 0;
    }
    event.deliveredBytes = deliveredBytes;
    event.commit();
    result.complete(new TransferResult(all, deliveredBytes, durationNs));
  }
}
