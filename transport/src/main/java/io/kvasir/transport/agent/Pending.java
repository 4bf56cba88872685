package io.kvasir.transport.agent;

import io.kvasir.transport.PendingCollective;
import io.kvasir.transport.Verdict;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;

/** One collective operation as its caller sees it. */
final class Pending implements PendingCollective {
  private final NodeTransport transport;
  private final String name;
  private volatile int code;

  Pending(NodeTransport transport, String name) {
    this.transport = transport;
    this.name = name;
  }

  void end(int verdictCode) {
    code = verdictCode;
  }

  @Override
  public boolean isDone() {
    return code != 0;
  }

  @Override
  public Verdict verdict() {
    int seen = code;
    return seen == 0 ? null : Verdict.ofCode(seen);
  }

  @Override
  public void await() {
    IdleStrategy idle = new BackoffIdleStrategy(1_000, 100, 1_000, 50_000);
    while (code == 0) {
      idle.idle(transport.driven() ? transport.doWork() : 0);
    }
    if (code != Verdict.DELIVERED) {
      throw new IllegalStateException(
          name + " failed: " + verdict() + "; form the group again with BlockTransport.join");
    }
  }
}
