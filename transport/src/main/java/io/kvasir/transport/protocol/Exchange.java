package io.kvasir.transport.protocol;

import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.Lane;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.wire.VectorDataDecoder;
import io.kvasir.transport.wire.VectorDataEncoder;
import io.kvasir.transport.wire.VectorRequestDecoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * All members of a group give each other one contribution per operation; the operation is complete
 * when all have arrived. Both collectives are this exchange with different contents.
 *
 * <p>A member cannot be more than one operation ahead of another, because it needs the other's
 * contribution to go on; so two slots, used in turn, hold everything, and what another member may
 * ask for again is still there. Buffers grow to the longest contribution and are then reused.
 */
public final class Exchange {
  private static final int SLOTS = 2;

  private final TransportCore core;
  private final GroupSpec spec;
  private final ExchangeListener listener;
  private final long epoch;
  private final Contribution[][] inbound;
  private final Contribution[][] outbound;
  private long current;
  private boolean running;
  private int failedCode;
  private int kind;
  private long deadlineNs;
  private long askedNs;

  Exchange(TransportCore core, GroupSpec spec, ExchangeListener listener) {
    this.core = core;
    this.spec = spec;
    this.listener = listener;
    this.epoch = spec.epoch();
    this.inbound = new Contribution[SLOTS][spec.size()];
    this.outbound = new Contribution[SLOTS][spec.size()];
    for (int slot = 0; slot < SLOTS; slot++) {
      for (int rank = 0; rank < spec.size(); rank++) {
        inbound[slot][rank] = new Contribution();
        outbound[slot][rank] = new Contribution();
      }
    }
  }

  /** One member's bytes in one operation. */
  static final class Contribution {
    private static final int UNUSED = -1;
    private UnsafeBuffer bytes = new UnsafeBuffer(new byte[0]);
    private FloatBuffer floats = FloatBuffer.allocate(0);
    private int lengthBytes;
    private int doneBytes;
    private int kind;
    private long sequence = UNUSED;
    private boolean requestDue;

    void begin(long operation, int length) {
      if (bytes.capacity() < length) {
        byte[] array = new byte[length];
        bytes = new UnsafeBuffer(array);
        floats = ByteBuffer.wrap(array).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      }
      sequence = operation;
      lengthBytes = length;
      doneBytes = 0;
      requestDue = false;
    }

    boolean unfinished() {
      return sequence != UNUSED && doneBytes < lengthBytes;
    }

    boolean complete(long operation) {
      return sequence == operation && doneBytes == lengthBytes;
    }
  }

  /** The group. */
  public GroupSpec spec() {
    return spec;
  }

  long epoch() {
    return epoch;
  }

  /** Sequence of the operation under way, or of the next one. */
  public long sequence() {
    return current;
  }

  /** Whether an operation is under way. */
  public boolean running() {
    return running;
  }

  /** 0, or the verdict code with which this formation failed. */
  public int failedCode() {
    return failedCode;
  }

  /** Where to put the own contribution for a rank before {@link #start}; grown to length. */
  public UnsafeBuffer prepare(int rank, int lengthBytes) {
    if (lengthBytes > core.config().limits().maxVectorBytes()) {
      throw new IllegalArgumentException(
          "contributionBytes="
              + lengthBytes
              + " > maxVectorBytes="
              + core.config().limits().maxVectorBytes()
              + "; split the vector or raise the limit");
    }
    Contribution out = outbound[slot(current)][rank];
    out.begin(current, lengthBytes);
    return out.bytes;
  }

  /** Float view of {@link #prepare}'s buffer, for bulk copies. */
  public FloatBuffer prepareFloats(int rank, int floatCount) {
    prepare(rank, floatCount * Float.BYTES);
    return preparedFloats(rank);
  }

  /** Float view of what was prepared for a rank. */
  public FloatBuffer preparedFloats(int rank) {
    return outbound[slot(current)][rank].floats;
  }

  /** Starts the operation whose contributions were prepared for every rank, the own included. */
  public void start(int operationKind, long deadline, long nowNs) {
    if (running) {
      throw new IllegalStateException(
          "group " + spec.groupId() + " runs operation " + current + "; await it first");
    }
    if (failedCode != 0) {
      listener.onFailed(this, current, failedCode);
      return;
    }
    kind = operationKind;
    for (int rank = 0; rank < spec.size(); rank++) {
      outbound[slot(current)][rank].kind = operationKind;
    }
    deadlineNs = deadline;
    askedNs = nowNs;
    running = true;
    completeIfAll();
  }

  /** Bytes of a rank's contribution; the own one is what was prepared for the own rank. */
  public int lengthBytes(int rank) {
    return contribution(rank).lengthBytes;
  }

  /** A rank's contribution, in {@link ExchangeListener#onComplete} only. */
  public UnsafeBuffer bytes(int rank) {
    return contribution(rank).bytes;
  }

  /** Float view of {@link #bytes}. */
  public FloatBuffer floats(int rank) {
    return contribution(rank).floats;
  }

  private Contribution contribution(int rank) {
    return rank == spec.ownRank() ? outbound[slot(current)][rank] : inbound[slot(current)][rank];
  }

  private static int slot(long sequence) {
    return (int) (sequence & 1);
  }

  private int rankOf(Peer peer) {
    for (int rank = 0; rank < spec.size(); rank++) {
      if (spec.nodeIds()[rank] == peer.nodeId()) {
        return spec.incarnations()[rank] == peer.incarnation() ? rank : -1;
      }
    }
    return -1;
  }

  boolean wants(Peer peer) {
    int rank = failedCode == 0 ? rankOf(peer) : -1;
    return rank >= 0
        && (running || (rank != spec.ownRank() && outbound[slot(current - 1)][rank].unfinished()));
  }

  void flush(Peer peer, long nowNs) {
    int rank = rankOf(peer);
    if (rank < 0 || failedCode != 0) {
      return;
    }
    if (current > 0) {
      flush(peer, rank, current - 1);
    }
    if (running) {
      flush(peer, rank, current);
      Contribution in = inbound[slot(current)][rank];
      if (in.requestDue && sendRequest(peer)) {
        in.requestDue = false;
      }
    }
  }

  private void flush(Peer peer, int rank, long sequence) {
    Contribution out = outbound[slot(sequence)][rank];
    if (out.sequence != sequence) {
      return;
    }
    ControlWriter writer = core.writer();
    int maxPayload = peer.maxFrameBytes(Lane.SMALL) - FrameLayout.VECTOR_HEAD_BYTES;
    while (out.doneBytes < out.lengthBytes) {
      int bytes = Math.min(maxPayload, out.lengthBytes - out.doneBytes);
      VectorDataEncoder vector = writer.vector;
      vector.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
      vector
          .groupId(spec.groupId())
          .groupEpoch(epoch)
          .sequence(sequence)
          .rank(spec.ownRank())
          .kind(out.kind)
          .offsetBytes(out.doneBytes)
          .lengthBytes(out.lengthBytes)
          .payloadBytes(bytes);
      int code =
          peer.send(
              Lane.SMALL,
              writer.frame,
              FrameLayout.VECTOR_HEAD_BYTES,
              out.bytes,
              out.doneBytes,
              bytes);
      if (code < 0) {
        return;
      }
      out.doneBytes += bytes;
    }
  }

  private boolean sendRequest(Peer peer) {
    ControlWriter writer = core.writer();
    writer.vectorRequest.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    writer
        .vectorRequest
        .groupId(spec.groupId())
        .groupEpoch(epoch)
        .sequence(current)
        .rank(spec.ownRank())
        .reserved(0)
        .reserved2(0);
    peer.count(TransportCounter.VECTOR_REQUESTS);
    return writer.send(peer, Lane.SMALL, writer.vectorRequest.encodedLength()) >= 0;
  }

  void onVector(Peer peer, VectorDataDecoder vector, FrameReader frame) {
    int rank = rankOf(peer);
    long sequence = vector.sequence();
    long length = vector.lengthBytes();
    if (rank < 0 || rank != vector.rank() || rank == spec.ownRank()) {
      peer.count(TransportCounter.FRAMES_STALE_GROUP);
      return;
    }
    if (sequence < current || sequence > current + 1 || failedCode != 0) {
      peer.count(TransportCounter.FRAMES_DUPLICATE);
      return;
    }
    Contribution in = inbound[slot(sequence)][rank];
    boolean first = in.sequence != sequence;
    if (length < 1
        || length > core.config().limits().maxVectorBytes()
        || (!first && in.lengthBytes != length)) {
      peer.count(TransportCounter.FRAMES_CORRUPT);
      return;
    }
    if (first) {
      in.begin(sequence, (int) length);
      in.kind = vector.kind();
    }
    int bytes = frame.payloadBytes();
    if (vector.offsetBytes() != in.doneBytes || bytes > in.lengthBytes - in.doneBytes) {
      boolean seen = vector.offsetBytes() < in.doneBytes;
      peer.count(seen ? TransportCounter.FRAMES_DUPLICATE : TransportCounter.FRAMES_GAP);
      return;
    }
    frame.payload().getBytes(frame.payloadOffset(), in.bytes.byteArray(), in.doneBytes, bytes);
    in.doneBytes += bytes;
    if (running && sequence == current) {
      completeIfAll();
    }
  }

  void onRequest(Peer peer, VectorRequestDecoder request) {
    int rank = rankOf(peer);
    if (rank < 0 || rank == spec.ownRank()) {
      return;
    }
    Contribution out = outbound[slot(request.sequence())][rank];
    if (out.sequence == request.sequence() && (running || out.sequence < current)) {
      out.doneBytes = 0;
    }
  }

  private void completeIfAll() {
    for (int rank = 0; rank < spec.size(); rank++) {
      if (rank != spec.ownRank() && !inbound[slot(current)][rank].complete(current)) {
        return;
      }
    }
    for (int rank = 0; rank < spec.size(); rank++) {
      if (contribution(rank).kind != kind) {
        fail(Refusal.MISMATCH.code());
        return;
      }
    }
    running = false;
    core.counters().increment(TransportCounter.COLLECTIVES);
    listener.onComplete(this, current);
    current++;
  }

  void onTick(long nowNs) {
    if (!running) {
      return;
    }
    if (nowNs - deadlineNs >= 0) {
      fail(Verdict.TIMED_OUT);
    } else if (nowNs - askedNs >= core.config().timeouts().retransmitNs()) {
      askedNs = nowNs;
      for (int rank = 0; rank < spec.size(); rank++) {
        Contribution in = inbound[slot(current)][rank];
        in.requestDue = rank != spec.ownRank() && !in.complete(current);
      }
    }
  }

  void onPeerLost(Peer peer) {
    if (rankOf(peer) >= 0) {
      fail(Verdict.PEER_LOST);
    }
  }

  /** Ends this formation; later operations fail with the same code. */
  void fail(int code) {
    if (failedCode == 0) {
      failedCode = code;
      core.counters().increment(TransportCounter.COLLECTIVES_FAILED);
      if (running) {
        running = false;
        listener.onFailed(this, current, code);
      }
    }
  }
}
