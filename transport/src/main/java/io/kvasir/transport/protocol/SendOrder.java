package io.kvasir.transport.protocol;

import io.kvasir.transport.Lane;
import java.util.ArrayList;

/**
 * Whose frame a peer's bulk lane carries next.
 *
 * <p>Transfers send a frame (or as many small ones) at a time; vectors go before each. Three of
 * four frames are of the transfer that is nearest to its end: sharing evenly would end all of them
 * late, and what waits for the first would be asked for when the lane has run empty. The fourth
 * goes round, so that a long transfer beside many short ones goes on. Agent only.
 */
final class SendOrder {
  /** One of so many quanta goes to the transfers by turns. */
  private static final int ROUND_SHARE = 4;

  private final Peer peer;
  private final ArrayList<Outgoing> transfers;
  private int turn;

  /** Quanta sent so far, which tells whose the next is. */
  private int quanta;

  private int budgetBytes;
  private boolean blocked;

  /**
   * @param transfers the peer's own list, which changes as they begin and end
   */
  SendOrder(Peer peer, ArrayList<Outgoing> transfers) {
    this.peer = peer;
    this.transfers = transfers;
  }

  /** One cycle's bytes at most; returns frames sent. */
  int send(long nowNs) {
    peer.core().groups().flush(peer, nowNs);
    budgetBytes = peer.core().config().limits().bytesPerCycle();
    int work = 0;
    blocked = false;
    while (budgetBytes > 0 && !blocked) {
      Outgoing nearest = ++quanta % ROUND_SHARE == 0 ? null : nearestToEnd();
      int sent = nearest == null ? 0 : sendQuantum(nearest, nowNs);
      if (sent == 0 && !blocked) {
        sent = sendRound(nowNs);
      }
      if (sent == 0) {
        break;
      }
      work += sent;
    }
    return work;
  }

  /** The transfer with least to send, or null if they are fewer than two. */
  private Outgoing nearestToEnd() {
    Outgoing nearest = null;
    for (int i = 0; i < transfers.size() && transfers.size() > 1; i++) {
      Outgoing one = transfers.get(i);
      if (one.streaming()
          && one.remainingBytes() > 0
          && (nearest == null || one.remainingBytes() < nearest.remainingBytes())) {
        nearest = one;
      }
    }
    return nearest;
  }

  /** Frames of the next transfer in turn that has some; 0 if none has. */
  private int sendRound(long nowNs) {
    int sent = 0;
    for (int i = 0; i < transfers.size() && sent == 0 && !blocked; i++) {
      turn = turn >= transfers.size() ? 0 : turn;
      sent = sendQuantum(transfers.get(turn), nowNs);
      turn++;
    }
    return sent;
  }

  /** Frames sent; a link that takes none blocks the lane. */
  private int sendQuantum(Outgoing transfer, long nowNs) {
    int quantumBytes = peer.maxFrameBytes(Lane.BULK);
    int sentBytes = 0;
    int count = 0;
    int sent = 1;
    while (sent > 0 && sentBytes < quantumBytes && transfer.streaming()) {
      sent = transfer.sendFrame(nowNs);
      if (sent > 0) {
        sentBytes += Math.max(sent, 64);
        count++;
        peer.core().groups().flush(peer, nowNs);
      }
    }
    budgetBytes -= sentBytes;
    blocked |= sent < 0;
    return count;
  }
}
