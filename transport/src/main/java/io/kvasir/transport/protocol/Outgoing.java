package io.kvasir.transport.protocol;

import io.kvasir.transport.Checksums;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.Lane;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Region;
import io.kvasir.transport.RegionLease;
import io.kvasir.transport.SealedBlock;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.wire.AckDecoder;
import io.kvasir.transport.wire.BlockDataEncoder;
import io.kvasir.transport.wire.GrantDecoder;
import io.kvasir.transport.wire.OfferEncoder;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The sending side of a transfer: our push, or a pull that we serve.
 *
 * <p>Offering → (all blocks granted or refused) → streaming → (all verdicts known) → ended. Granted
 * blocks laid end to end are one byte stream; {@code position} is a place in it. The source sends
 * up to the receiver's limit, never queues a frame, and goes back to the acknowledged position when
 * the receiver reports a gap or answers two questions in a row with the same position. Frames are
 * read straight from the source slot; the slot's generation is compared after the copy and before
 * the frame is committed.
 *
 * <p>Over 400 lines because every event of the sending side acts on the same position, limit, block
 * states and deadlines; each handler is short.
 */
final class Outgoing implements CoreTransfer {
  static final int PROBE_REPLY = 2;
  static final int GAP = 1;
  private static final byte UNGRANTED = -1;
  private static final int MAX_BACKOFF_SHIFT = 3;

  final long id;
  final boolean pulled;
  private final Peer peer;
  private final TransferListener listener;
  private final DeliveryClass deliveryClass;
  private final long startedNs;
  private final long deadlineNs;
  private final int count;
  private final SealedBlock[] blocks;
  private final Region[] regions;
  private final RegionLease[] leases;
  private final int[] firstLayer;
  private final int[] layerLimit;
  private final byte[] grants;
  private final byte[] codes;
  private final long[] starts;

  /** Entries whose block is not known yet; null while there is none. */
  private TransportCore.Wanted[] awaited;

  private int awaitedCount;
  private final UnsafeBuffer source = new UnsafeBuffer(0, 0);
  private int unresolved;
  private int ungranted;
  private int undecided;
  private int offerNext;
  private boolean streaming;
  private boolean ended;
  private long totalBytes;
  private int index;
  private int offset;
  private int sourceIndex = -1;
  private int firstUndecided;
  private long ackedBytes;
  private long limitBytes;
  private long activityNs;
  private long creditNs;
  private int backoffShift;
  private long lastReplyPosition = -1;
  private long lastGapPosition = -1;
  private boolean probeNeeded;

  Outgoing(
      Peer peer,
      long id,
      boolean pulled,
      int count,
      DeliveryClass deliveryClass,
      TransferListener listener,
      long nowNs,
      long deadlineNs) {
    this.peer = peer;
    this.id = id;
    this.pulled = pulled;
    this.count = count;
    this.deliveryClass = deliveryClass;
    this.listener = listener;
    this.startedNs = nowNs;
    this.deadlineNs = deadlineNs;
    this.blocks = new SealedBlock[count];
    this.regions = new Region[count];
    this.leases = new RegionLease[count];
    this.firstLayer = new int[count];
    this.layerLimit = new int[count];
    this.grants = new byte[count];
    this.codes = new byte[count];
    this.starts = new long[count];
    Arrays.fill(grants, UNGRANTED);
    Arrays.fill(firstLayer, -1);
    this.unresolved = count;
    this.ungranted = count;
    this.undecided = count;
    this.activityNs = nowNs;
  }

  int blockCount() {
    return count;
  }

  boolean resolved(int blockIndex) {
    return firstLayer[blockIndex] >= 0;
  }

  /** Notes that an index can't be resolved yet; offers wait for it. */
  void await(int blockIndex, TransportCore.Wanted wanted) {
    if (awaited == null) {
      awaited = new TransportCore.Wanted[count];
    }
    if (awaited[blockIndex] == null) {
      awaited[blockIndex] = wanted;
      awaitedCount++;
    }
  }

  /** Whether blocks are waited for. */
  boolean awaits() {
    return awaitedCount > 0 && !ended;
  }

  /** What is waited for at an index, or null. */
  TransportCore.Wanted awaited(int blockIndex) {
    return awaited[blockIndex];
  }

  /** Names block and layers of an index; a refusal code takes its place when there is none. */
  void resolve(int blockIndex, SealedBlock block, LayerRange layers, int refusalCode) {
    if (awaited != null && awaited[blockIndex] != null) {
      awaited[blockIndex] = null;
      awaitedCount--;
    }
    unresolved--;
    firstLayer[blockIndex] = 0;
    int code = refusalCode;
    if (code == 0) {
      boolean all = layers.limit() == 0;
      int limit = all ? block.layerCount() : layers.limit();
      firstLayer[blockIndex] = layers.first();
      layerLimit[blockIndex] = limit;
      blocks[blockIndex] = block;
      code = limit > block.layerCount() ? Refusal.LAYERS.code() : lease(blockIndex, block);
    }
    if (code != 0) {
      decide(blockIndex, code);
    }
  }

  private int lease(int blockIndex, SealedBlock block) {
    Region region = peer.core().regions().get(block.ref().regionId());
    int slot = block.ref().slot();
    if (region == null || slot < 0 || slot >= region.slotCount()) {
      return Refusal.REGION_CLOSED.code();
    }
    if (block.lengthBytes() > region.slotBytes()) {
      return Refusal.TOO_LARGE.code();
    }
    if (region.generation(slot) != block.ref().generation()) {
      return Refusal.STALE_SOURCE.code();
    }
    RegionLease lease = region.lease();
    if (lease == null) {
      return Refusal.REGION_CLOSED.code();
    }
    regions[blockIndex] = region;
    leases[blockIndex] = lease;
    return 0;
  }

  /** Whether frames may be sent now, credit permitting. */
  boolean streaming() {
    return streaming && !ended;
  }

  /** Sends what control frames are due; false if the link would not take one. */
  boolean flushControl(long nowNs) {
    while (unresolved == 0 && offerNext < count) {
      if (!sendOffer(nowNs)) {
        return false;
      }
    }
    if (probeNeeded) {
      ControlWriter writer = peer.core().writer();
      writer.probe.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
      writer.probe.transferId(id).firstIndex(firstUndecided()).reserved(0);
      if (writer.send(peer, Lane.CONTROL, writer.probe.encodedLength()) < 0) {
        return false;
      }
      probeNeeded = false;
    }
    return true;
  }

  private boolean sendOffer(long nowNs) {
    ControlWriter writer = peer.core().writer();
    OfferEncoder offer = writer.offer;
    offer.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    offer
        .transferId(id)
        .blockCount(count)
        .firstIndex(offerNext)
        .deadlineNs(deadlineNs - nowNs)
        .deliveryClass((short) deliveryClass.ordinal())
        .reserved((short) 0)
        .reserved2(0)
        .reserved3(0);
    int fitting =
        (peer.maxFrameBytes(Lane.CONTROL)
                - FrameLayout.HEADER_BYTES
                - OfferEncoder.BLOCK_LENGTH
                - 4)
            / OfferEncoder.BlocksEncoder.sbeBlockLength();
    int entries = Math.min(fitting, count - offerNext);
    OfferEncoder.BlocksEncoder entry = offer.blocksCount(entries);
    for (int i = offerNext; i < offerNext + entries; i++) {
      SealedBlock block = blocks[i];
      boolean offered = codes[i] == 0 && block != null;
      entry
          .next()
          .keyHigh(block == null ? 0 : block.key().high())
          .keyLow(block == null ? 0 : block.key().low())
          .blockBytes(block == null ? 0 : block.lengthBytes())
          .checksum(
              offered
                  ? Checksums.combine(
                          block.layerChecksums(), firstLayer[i], layerLimit[i], block.layerBytes())
                      & 0xFFFF_FFFFL
                  : 0)
          .generation(offered ? block.ref().generation() & 0xFFFF_FFFFL : 0)
          .encoding(block == null ? 0 : block.encoding() & 0xFFFF_FFFFL)
          .layerCount(block == null ? 0 : block.layerCount())
          .firstLayer(offered ? firstLayer[i] : 0)
          .layerLimit(offered ? layerLimit[i] : 0)
          .refusal(offered ? 0 : (short) codes[i])
          .reserved((short) 0);
    }
    if (writer.send(peer, Lane.CONTROL, offer.encodedLength()) < 0) {
      return false;
    }
    offerNext += entries;
    activityNs = nowNs;
    return true;
  }

  void onGrant(GrantDecoder grant, long nowNs) {
    if (ended || streaming) {
      return;
    }
    long first = grant.firstIndex();
    limitBytes = Math.max(limitBytes, grant.limitBytes());
    int length = grant.codesLength();
    int at = grant.limit() + GrantDecoder.codesHeaderLength();
    for (int i = 0; i < length && first + i < count; i++) {
      int blockIndex = (int) first + i;
      int code = grant.buffer().getByte(at + i);
      if (grants[blockIndex] == UNGRANTED && resolved(blockIndex) && code >= 0) {
        grants[blockIndex] = codes[blockIndex] == 0 ? (byte) code : codes[blockIndex];
        ungranted--;
        if (code != 0 && codes[blockIndex] == 0) {
          decide(blockIndex, code);
        }
      }
    }
    activityNs = nowNs;
    if (ungranted == 0) {
      startStreaming(nowNs);
    }
  }

  private void startStreaming(long nowNs) {
    long position = 0;
    for (int i = 0; i < count; i++) {
      starts[i] = position;
      position += grants[i] == 0 ? rangeBytes(i) : 0;
    }
    totalBytes = position;
    streaming = true;
    creditNs = nowNs;
    backoffShift = 0;
    seek(0);
    endIfDecided(nowNs);
  }

  private int rangeBytes(int blockIndex) {
    return (layerLimit[blockIndex] - firstLayer[blockIndex]) * blocks[blockIndex].layerBytes();
  }

  private void seek(long position) {
    index = 0;
    while (index < count && (grants[index] != 0 || starts[index] + rangeBytes(index) <= position)) {
      index++;
    }
    offset = index == count ? 0 : (int) (position - starts[index]);
  }

  /** Payload that has not been sent; 0 before streaming begins. */
  long remainingBytes() {
    return totalBytes - position();
  }

  private long position() {
    return index == count ? totalBytes : starts[index] + offset;
  }

  /**
   * Sends one frame.
   *
   * @return payload bytes (at least 1) if a frame went out, 0 if there is none to send now, or a
   *     negative link code
   */
  int sendFrame(long nowNs) {
    while (index < count) {
      if (grants[index] != 0) {
        nextBlock();
      } else if (codes[index] != 0) {
        int sent = sendAbort();
        if (sent != 0) {
          return sent;
        }
      } else {
        int sent = sendPayload(nowNs);
        if (sent != 0 || ended || index == count || codes[index] == 0) {
          return sent;
        }
      }
    }
    return 0;
  }

  private int sendPayload(long nowNs) {
    SealedBlock block = blocks[index];
    int slot = block.ref().slot();
    Region region = regions[index];
    int length = rangeBytes(index);
    int payloadBytes =
        Math.min(
            length - offset, peer.maxFrameBytes(Lane.BULK) - FrameLayout.BLOCK_DATA_HEAD_BYTES);
    if (limitBytes - starts[index] - offset < payloadBytes) {
      peer.count(TransportCounter.CREDIT_WAITS);
      dropIfImpatient(nowNs);
      return 0;
    }
    if (region.generation(slot) != block.ref().generation()) {
      decide(index, Refusal.STALE_SOURCE.code());
      return 0;
    }
    if (sourceIndex != index) {
      long address = region.slotAddress(slot) + (long) firstLayer[index] * block.layerBytes();
      source.wrap(address, length);
      sourceIndex = index;
    }
    encodeData(length, payloadBytes, 0);
    int code =
        peer.stage(
            Lane.BULK,
            peer.core().writer().frame,
            FrameLayout.BLOCK_DATA_HEAD_BYTES,
            source,
            offset,
            payloadBytes);
    if (code < 0) {
      dropIfImpatient(nowNs);
      return code;
    }
    VarHandle.loadLoadFence();
    if (region.generation(slot) != block.ref().generation()) {
      peer.abort();
      decide(index, Refusal.STALE_SOURCE.code());
      return 0;
    }
    peer.commit(Lane.BULK, FrameLayout.BLOCK_DATA_HEAD_BYTES + payloadBytes);
    activityNs = nowNs;
    creditNs = nowNs;
    offset += payloadBytes;
    if (offset == length) {
      nextBlock();
    }
    return payloadBytes;
  }

  private int sendAbort() {
    int length = rangeBytes(index);
    encodeData(length, 0, codes[index]);
    ControlWriter writer = peer.core().writer();
    int code = peer.send(Lane.BULK, writer.frame, FrameLayout.BLOCK_DATA_HEAD_BYTES, null, 0, 0);
    if (code < 0) {
      return code;
    }
    nextBlock();
    return 1;
  }

  private void nextBlock() {
    index++;
    offset = 0;
  }

  private void encodeData(int length, int payloadBytes, int abortCode) {
    ControlWriter writer = peer.core().writer();
    BlockDataEncoder data = writer.data;
    data.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    data.transferId(id)
        .blockIndex(index)
        .offsetBytes(offset)
        .lengthBytes(length)
        .payloadBytes(payloadBytes)
        .generation(blocks[index].ref().generation() & 0xFFFF_FFFFL)
        .abort((short) abortCode)
        .reserved((short) 0)
        .reserved2(0);
  }

  /** Best effort: without credit no block is kept waiting but the one that is under way. */
  private void dropIfImpatient(long nowNs) {
    if (deliveryClass != DeliveryClass.BEST_EFFORT
        || nowNs - creditNs < peer.core().config().bestEffortPatienceNs()) {
      return;
    }
    for (int i = offset == 0 ? index : index + 1; i < count; i++) {
      if (codes[i] == 0) {
        peer.count(TransportCounter.BEST_EFFORT_DROPS);
        decide(i, Refusal.NO_CREDIT.code());
      }
    }
    endIfDecided(nowNs);
  }

  void onAck(AckDecoder ack, long nowNs) {
    if (ended) {
      return;
    }
    long first = ack.firstIndex();
    long position = ack.positionBytes();
    long limit = ack.limitBytes();
    int flags = ack.flags();
    int length = ack.codesLength();
    int at = ack.limit() + AckDecoder.codesHeaderLength();
    for (int i = 0; i < length && first + i < count; i++) {
      int code = ack.buffer().getByte(at + i);
      int blockIndex = (int) first + i;
      if (code > 0 && codes[blockIndex] == 0 && resolved(blockIndex)) {
        decide(blockIndex, code);
      }
    }
    if (streaming && position >= 0 && position <= totalBytes) {
      onPosition(position, limit, flags, nowNs);
    }
    endIfDecided(nowNs);
  }

  private void onPosition(long position, long limit, int flags, long nowNs) {
    if (limit > limitBytes) {
      limitBytes = limit;
      creditNs = nowNs;
    }
    if (position > ackedBytes) {
      ackedBytes = position;
      activityNs = nowNs;
      backoffShift = 0;
      lastReplyPosition = -1;
    }
    if (position > position()) {
      seek(position);
    } else if (position == ackedBytes && position < position()) {
      boolean gap = (flags & GAP) != 0 && position != lastGapPosition;
      boolean stuck = (flags & PROBE_REPLY) != 0 && position == lastReplyPosition;
      if (gap || stuck) {
        peer.count(TransportCounter.GO_BACKS);
        seek(position);
        lastGapPosition = position;
        lastReplyPosition = -1;
      } else if ((flags & PROBE_REPLY) != 0) {
        lastReplyPosition = position;
      }
    }
  }

  /** Time passes: deadline, repetition of offers, questions after silence. */
  void onTick(long nowNs) {
    if (nowNs - deadlineNs >= 0) {
      end(Verdict.TIMED_OUT, nowNs);
      return;
    }
    long patienceNs = peer.core().config().timeouts().retransmitNs() << backoffShift;
    if (peer.ready() && unresolved == 0 && nowNs - activityNs >= patienceNs) {
      activityNs = nowNs;
      backoffShift = Math.min(backoffShift + 1, MAX_BACKOFF_SHIFT);
      if (streaming) {
        probeNeeded = true;
        peer.count(TransportCounter.PROBES);
      } else if (offerNext == count) {
        offerNext = firstUngranted();
      }
    }
  }

  private int firstUngranted() {
    int first = 0;
    while (first < count && grants[first] != UNGRANTED) {
      first++;
    }
    return first;
  }

  private int firstUndecided() {
    while (firstUndecided < count && codes[firstUndecided] != 0) {
      firstUndecided++;
    }
    return Math.min(firstUndecided, count - 1);
  }

  /** The peer starts over (it lost our offers with its connection): offer again what is open. */
  void onPeerReady(long nowNs) {
    activityNs = nowNs;
    if (!streaming) {
      offerNext = firstUngranted();
    }
  }

  private void decide(int blockIndex, int code) {
    codes[blockIndex] = (byte) code;
    undecided--;
    if (leases[blockIndex] != null) {
      leases[blockIndex].close();
    }
    if (!pulled) {
      peer.countVerdict(code);
    }
    listener.onBlock(blockIndex, code);
  }

  /** Ends when every verdict is known and the receiver knows our refusals. */
  void endIfDecided(long nowNs) {
    if (!ended && undecided == 0 && (streaming || ungranted == 0)) {
      finish(Verdict.DELIVERED, nowNs);
    }
  }

  @Override
  public void end(int code, long nowNs) {
    if (!ended) {
      for (int i = 0; i < count; i++) {
        if (codes[i] == 0) {
          decide(i, code);
        }
      }
      finish(code, nowNs);
    }
  }

  private void finish(int closeCode, long nowNs) {
    ended = true;
    boolean dropped = streaming && index < count && ackedBytes < totalBytes;
    peer.closeOther(id, dropped && closeCode == Verdict.DELIVERED ? lastCode() : closeCode, false);
    peer.removeOutgoing(this);
    long deliveredBytes = 0;
    for (int i = 0; i < count; i++) {
      deliveredBytes += codes[i] == Verdict.DELIVERED ? rangeBytes(i) : 0;
    }
    listener.onEnd(codes, deliveredBytes, nowNs - startedNs);
  }

  private int lastCode() {
    return codes[count - 1] == Verdict.DELIVERED ? Refusal.NO_CREDIT.code() : codes[count - 1];
  }

  /** For when no event can be handled any more. */
  void releaseLeases() {
    for (RegionLease lease : leases) {
      if (lease != null) {
        lease.close();
      }
    }
  }

  @Override
  public boolean ended() {
    return ended;
  }
}
