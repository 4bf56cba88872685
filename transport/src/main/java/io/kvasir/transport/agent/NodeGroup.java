package io.kvasir.transport.agent;

import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.PendingCollective;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.protocol.Exchange;
import io.kvasir.transport.protocol.ExchangeListener;
import java.time.Duration;

/**
 * A group's member. Operations are prepared and finished on the agent; the caller's arrays belong
 * to the agent from the call to the end of the operation.
 */
final class NodeGroup implements CollectiveGroup, ExchangeListener {
  private static final int ALL_REDUCE = 1;
  private static final int DISPATCH = 2;
  private static final int COMBINE = 3;

  private final NodeTransport transport;
  private final GroupSpec spec;
  private final RowCodec rows;
  private Exchange exchange;
  private Operation running;
  private float[] scratch = new float[0];

  /** What to do when all parts are there; returns the verdict code. */
  @FunctionalInterface
  private interface Finish {
    int finish(Exchange exchange);
  }

  private record Operation(Pending pending, Finish finish) {}

  NodeGroup(NodeTransport transport, GroupSpec spec) {
    this.transport = transport;
    this.spec = spec;
    this.rows = new RowCodec(spec);
    transport.submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            exchange = transport.core().groups().join(spec, NodeGroup.this);
          }

          @Override
          public void reject(Refusal reason) {}
        });
  }

  @Override
  public GroupSpec spec() {
    return spec;
  }

  @Override
  public PendingCollective allReduceSum(float[] vector, Duration deadline) {
    return begin(
        "all-reduce",
        ALL_REDUCE,
        deadline,
        out -> {
          for (int rank = 0; rank < spec.size(); rank++) {
            out.prepareFloats(rank, vector.length).put(0, vector);
          }
        },
        in -> sumInRankOrder(in, vector));
  }

  private int sumInRankOrder(Exchange in, float[] vector) {
    int length = vector.length;
    for (int rank = 0; rank < spec.size(); rank++) {
      if (in.lengthBytes(rank) != length * Float.BYTES) {
        return Refusal.MISMATCH.code();
      }
    }
    if (scratch.length < length) {
      scratch = new float[length];
    }
    in.floats(0).get(0, vector, 0, length);
    for (int rank = 1; rank < spec.size(); rank++) {
      in.floats(rank).get(0, scratch, 0, length);
      add(vector, scratch, length);
    }
    return Verdict.DELIVERED;
  }

  private static void add(float[] sum, float[] term, int length) {
    for (int i = 0; i < length; i++) {
      sum[i] += term[i];
    }
  }

  @Override
  public PendingCollective dispatch(
      float[] source,
      int rowCount,
      int width,
      int[] owners,
      int ownersPerRow,
      Received received,
      Duration deadline) {
    if (source.length < rowCount * width || owners.length < rowCount * ownersPerRow) {
      throw new IllegalArgumentException(
          "rows="
              + source.length
              + " and owners="
              + owners.length
              + " do not cover rowCount="
              + rowCount
              + " × width="
              + width
              + " and ownersPerRow="
              + ownersPerRow);
    }
    return begin(
        "dispatch",
        DISPATCH,
        deadline,
        out -> rows.encodeDispatch(out, source, rowCount, width, owners, ownersPerRow),
        in -> rows.decodeDispatch(in, width, received));
  }

  @Override
  public PendingCollective combine(Received processed, float[] result, Duration deadline) {
    return begin(
        "combine",
        COMBINE,
        deadline,
        out -> rows.encodeCombine(out, processed),
        in -> rows.decodeCombine(in, processed.width(), result));
  }

  /** Puts the own parts into the exchange. */
  @FunctionalInterface
  private interface Prepare {
    void prepare(Exchange exchange);
  }

  private Pending begin(String name, int kind, Duration deadline, Prepare prepare, Finish finish) {
    Pending pending = new Pending(transport, name);
    transport.submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            if (exchange == null || running != null) {
              pending.end(Refusal.BUSY.code());
            } else if (exchange.failedCode() != 0) {
              pending.end(exchange.failedCode());
            } else {
              prepare.prepare(exchange);
              running = new Operation(pending, finish);
              exchange.start(kind, nowNs + deadline.toNanos(), nowNs);
            }
          }

          @Override
          public void reject(Refusal reason) {
            pending.end(reason.code());
          }
        });
    return pending;
  }

  @Override
  public void onComplete(Exchange completed, long sequence) {
    Operation operation = running;
    running = null;
    operation.pending.end(operation.finish.finish(completed));
  }

  @Override
  public void onFailed(Exchange failed, long sequence, int code) {
    Operation operation = running;
    running = null;
    if (operation != null) {
      operation.pending.end(code);
    }
  }

  @Override
  public void close() {
    transport.submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            if (exchange != null) {
              transport.core().groups().leave(exchange);
            }
          }

          @Override
          public void reject(Refusal reason) {}
        });
  }
}
