package io.kvasir.transport.media;

import io.kvasir.transport.Invitation;
import io.kvasir.transport.Lane;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.crypto.LinkCiphers;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.frame.FrameWriter;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentHashMap;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;

/**
 * Nodes of one JVM, connected by single-producer rings: the medium of tests and of several nodes in
 * one process. Any thread may ask for a node's medium.
 */
public final class MemoryHub {
  private static final int RING_BYTES = 1 << 20;
  private static final int MESSAGE_TYPE = 1;
  private static final int POLL_LIMIT = 8;

  private final ConcurrentHashMap<Integer, Inbox> inboxes = new ConcurrentHashMap<>();
  private final int maxFrameBytes;

  /** A hub with the longest frames. */
  public MemoryHub() {
    this(FrameLayout.MAX_FRAME_BYTES);
  }

  /**
   * @param maxFrameBytes longest frame, at least {@link FrameLayout#MIN_FRAME_LIMIT_BYTES}
   */
  public MemoryHub(int maxFrameBytes) {
    if (maxFrameBytes < FrameLayout.MIN_FRAME_LIMIT_BYTES
        || maxFrameBytes > FrameLayout.MAX_FRAME_BYTES) {
      throw new IllegalArgumentException(
          "maxFrameBytes="
              + maxFrameBytes
              + " is outside "
              + FrameLayout.MIN_FRAME_LIMIT_BYTES
              + ".."
              + FrameLayout.MAX_FRAME_BYTES);
    }
    this.maxFrameBytes = maxFrameBytes;
  }

  /** The hub as one node's medium. */
  public Medium medium() {
    return new MemoryMedium();
  }

  /** Where one guest's frames wait for their host. */
  private static final class Inbox {
    private final OneToOneRingBuffer[] rings = new OneToOneRingBuffer[Lane.values().length];
    private volatile boolean closed;
    private volatile boolean guestLeft;

    Inbox() {
      for (int lane = 0; lane < rings.length; lane++) {
        int bytes = RING_BYTES + RingBufferDescriptor.TRAILER_LENGTH;
        rings[lane] = new OneToOneRingBuffer(new UnsafeBuffer(ByteBuffer.allocateDirect(bytes)));
      }
    }
  }

  private final class MemoryMedium implements Medium {
    @Override
    public Invitation describe(long nodeId, long incarnation, long guestNodeId, int sessionBase) {
      return new Invitation(nodeId, incarnation, guestNodeId, 0, "", 0, sessionBase);
    }

    @Override
    public boolean leavesHost(Invitation own, Invitation peer) {
      return false;
    }

    @Override
    public Endpoint open(Invitation own, Invitation peer, LinkCiphers ciphers) {
      return new MemoryEndpoint(own.sessionBase(), peer.sessionBase(), ciphers);
    }

    @Override
    public int doWork(long nowNs) {
      return 0;
    }

    @Override
    public void export(TransportCounters counters) {}

    @Override
    public boolean down() {
      return false;
    }

    @Override
    public void close() {}
  }

  private final class MemoryEndpoint implements Endpoint {
    private final int ownSession;
    private final int peerSession;
    private final Inbox inbox = new Inbox();
    private final FrameWriter[] writers = new FrameWriter[Lane.values().length];
    private Inbox target;
    private int publication = 1;
    private Lane stagedLane;
    private int stagedIndex;

    MemoryEndpoint(int ownSession, int peerSession, LinkCiphers ciphers) {
      this.ownSession = ownSession;
      this.peerSession = peerSession;
      for (Lane lane : Lane.values()) {
        writers[lane.index()] = new FrameWriter(ciphers == null ? null : ciphers.sending(lane));
        writers[lane.index()].publication(publication);
      }
      inboxes.put(ownSession, inbox);
    }

    @Override
    public int stage(
        Lane lane,
        DirectBuffer head,
        int headBytes,
        DirectBuffer payload,
        int payloadOffset,
        int payloadBytes) {
      if (target == null || target.closed) {
        boolean lost = target != null;
        target = inboxes.get(peerSession);
        if (target == null || lost) {
          return lost ? CLOSED : NOT_CONNECTED;
        }
        target.guestLeft = false;
      }
      FrameWriter writer = writers[lane.index()];
      OneToOneRingBuffer ring = target.rings[lane.index()];
      int index = ring.tryClaim(MESSAGE_TYPE, headBytes + payloadBytes + writer.overheadBytes());
      if (index < 0) {
        return BACK_PRESSURED;
      }
      writer.write(ring.buffer(), index, head, headBytes, payload, payloadOffset, payloadBytes);
      stagedLane = lane;
      stagedIndex = index;
      return 0;
    }

    @Override
    public void commit() {
      target.rings[stagedLane.index()].commit(stagedIndex);
    }

    @Override
    public void abort() {
      target.rings[stagedLane.index()].abort(stagedIndex);
    }

    @Override
    public int maxFrameBytes(Lane lane) {
      return maxFrameBytes - writers[lane.index()].overheadBytes();
    }

    @Override
    public void reset() {
      if (target != null) {
        target.guestLeft = true;
        target = null;
      }
      publication++;
      for (FrameWriter writer : writers) {
        writer.publication(publication);
      }
    }

    @Override
    public int poll(FrameHandler handler) {
      int frames = poll(Lane.CONTROL, POLL_LIMIT, handler) + poll(Lane.SMALL, POLL_LIMIT, handler);
      for (int i = 0; i < POLL_LIMIT; i++) {
        int bulk = poll(Lane.BULK, 1, handler);
        if (bulk == 0) {
          break;
        }
        frames += bulk + poll(Lane.SMALL, POLL_LIMIT, handler);
      }
      return frames;
    }

    private int poll(Lane lane, int limit, FrameHandler handler) {
      return inbox.rings[lane.index()].read(
          (type, buffer, index, length) -> handler.onFrame(lane, buffer, index, length), limit);
    }

    @Override
    public boolean pollLost() {
      boolean empty = inbox.rings[0].size() + inbox.rings[1].size() + inbox.rings[2].size() == 0;
      if (inbox.guestLeft && empty) {
        inbox.guestLeft = false;
        return true;
      }
      return false;
    }

    @Override
    public MediumKind kind() {
      return MediumKind.MEMORY;
    }

    @Override
    public void close() {
      reset();
      inbox.closed = true;
      inboxes.remove(ownSession, inbox);
    }
  }
}
