package io.kvasir.chaos.local;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A place where calls can be made to wait: so a scenario knows that something stands exactly there,
 * however fast or slow the machine is. Nothing blocks; who waits goes on when it is opened. Any
 * thread.
 */
public final class Gate {
  private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
  private int passes = Integer.MAX_VALUE;

  /** Lets so many more calls pass; the ones behind them wait. */
  public synchronized void holdAfter(int count) {
    passes = count;
  }

  /** Completes when the caller may go on. */
  public synchronized CompletionStage<Void> pass() {
    if (passes == Integer.MAX_VALUE || passes > 0) {
      passes -= passes == Integer.MAX_VALUE ? 0 : 1;
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Void> turn = new CompletableFuture<>();
    waiting.add(turn);
    return turn;
  }

  /** Calls that wait now. */
  public synchronized int waiting() {
    return waiting.size();
  }

  /** Lets everybody pass who comes from now on; who waits goes on waiting. */
  public synchronized void admitNewcomers() {
    passes = Integer.MAX_VALUE;
  }

  /** Lets everybody pass, from now on. */
  public void open() {
    List<CompletableFuture<Void>> free;
    synchronized (this) {
      passes = Integer.MAX_VALUE;
      free = List.copyOf(waiting);
      waiting.clear();
    }
    free.forEach(turn -> turn.complete(null));
  }
}
