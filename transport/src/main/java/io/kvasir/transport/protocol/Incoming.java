package io.kvasir.transport.protocol;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSink.BlockOffer;
import io.kvasir.transport.Lane;
import io.kvasir.transport.LayerRange;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Region;
import io.kvasir.transport.RegionLease;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.wire.AckEncoder;
import io.kvasir.transport.wire.BlockDataDecoder;
import io.kvasir.transport.wire.GrantEncoder;
import io.kvasir.transport.wire.OfferDecoder;
import io.kvasir.transport.wire.PullEncoder;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The receiving side of a transfer: our pull, or a push of the peer.
 *
 * <p>Asking (pull only) → offered (each block placed or refused) → receiving in order → done, then
 * it lingers to answer late questions. A frame is copied into its final place if it is the next one
 * of the stream, and dropped otherwise. The checksum runs over the destination bytes in slices that
 * stay in the first-level cache; the block is delivered only if it equals the one made at sealing
 * and the slot's generation did not change.
 *
 * <p>Over 400 lines because every event of the receiving side acts on the same position, block
 * states and deadlines; each handler is short.
 */
final class Incoming implements CoreTransfer {
  private static final byte UNDECIDED = -1;

  /** Copy and checksum alternate over this much, so that the checksum finds its bytes cached. */
  private static final int SLICE_BYTES = 16 << 10;

  private static final int MAX_CODES = 768;

  final long id;
  final boolean pulled;
  private final Peer peer;
  private final TransferListener listener;
  private final int count;
  private final long startedNs;
  private final long deadlineNs;
  private final PullBlock[] requests;
  private final BlockOffer[] offers;
  private final byte[] grants;
  private final byte[] codes;
  private final BlockRef[] places;
  private final RegionLease[] leases;
  private final int[] lengths;
  private final int[] placeOffsets;
  private final int[] checksums;
  private final int[] generations;
  private final CRC32C crc = new CRC32C();
  private final UnsafeBuffer place = new UnsafeBuffer(0, 0);
  private ByteBuffer placeView;
  private int unoffered;
  private int undecided;
  private int requestNext;
  private int grantFrom;
  private int grantLimit;
  private boolean receiving;
  private boolean ended;
  private int index;
  private int offset;
  private int openIndex = -1;
  private long blockStart;
  private long ackedBytes;
  private int ackedIndex;
  private boolean ackNeeded;
  private int ackFlags;
  private long gapPosition = -1;
  private long activityNs;
  private long endedNs;
  private boolean anyOffer;
  private boolean patient = true;

  Incoming(
      Peer peer,
      long id,
      List<PullBlock> requests,
      int count,
      TransferListener listener,
      long nowNs,
      long deadlineNs) {
    this.peer = peer;
    this.id = id;
    this.pulled = requests != null;
    this.requests = pulled ? requests.toArray(PullBlock[]::new) : null;
    this.count = count;
    this.listener = listener;
    this.startedNs = nowNs;
    this.deadlineNs = deadlineNs;
    this.offers = new BlockOffer[count];
    this.grants = new byte[count];
    this.codes = new byte[count];
    this.places = new BlockRef[count];
    this.leases = new RegionLease[count];
    this.lengths = new int[count];
    this.placeOffsets = new int[count];
    this.checksums = new int[count];
    this.generations = new int[count];
    Arrays.fill(grants, UNDECIDED);
    this.unoffered = count;
    this.undecided = count;
    this.requestNext = pulled ? 0 : count;
    this.grantFrom = count;
    this.activityNs = nowNs;
  }

  int blockCount() {
    return count;
  }

  private long position() {
    return blockStart + offset;
  }

  /** Sends what control frames are due; false if the link would not take one. */
  boolean flushControl(long nowNs) {
    while (requestNext < count && !ended) {
      if (!sendPull(nowNs)) {
        return false;
      }
    }
    while (grantFrom < grantLimit) {
      if (!sendGrant()) {
        return false;
      }
    }
    while (ackNeeded) {
      if (!sendAck(nowNs)) {
        return false;
      }
    }
    return true;
  }

  private boolean sendPull(long nowNs) {
    ControlWriter writer = peer.core().writer();
    PullEncoder pull = writer.pull;
    pull.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    pull.transferId(id).blockCount(count).firstIndex(requestNext).deadlineNs(deadlineNs - nowNs);
    int fitting =
        (peer.maxFrameBytes(Lane.CONTROL) - FrameLayout.HEADER_BYTES - PullEncoder.BLOCK_LENGTH - 4)
            / PullEncoder.BlocksEncoder.sbeBlockLength();
    int entries = Math.min(fitting, count - requestNext);
    PullEncoder.BlocksEncoder entry = pull.blocksCount(entries);
    for (int i = requestNext; i < requestNext + entries; i++) {
      PullBlock request = requests[i];
      BlockRef source = request.source();
      entry
          .next()
          .keyHigh(request.key().high())
          .keyLow(request.key().low())
          .encoding(request.encoding() & 0xFFFF_FFFFL)
          .firstLayer(request.layers().first())
          .layerLimit(request.layers().limit())
          .byReference(source == null ? 0 : (short) 1)
          .patient(request.patient() && patient ? (short) 1 : 0)
          .reserved2(0)
          .region(source == null ? 0 : source.regionId())
          .slot(source == null ? 0 : source.slot())
          .generation(source == null ? 0 : source.generation() & 0xFFFF_FFFFL);
    }
    if (writer.send(peer, Lane.CONTROL, pull.encodedLength()) < 0) {
      return false;
    }
    requestNext += entries;
    activityNs = nowNs;
    return true;
  }

  void onOffer(OfferDecoder offer, long nowNs) {
    activityNs = nowNs;
    anyOffer = true;
    int first = (int) offer.firstIndex();
    OfferDecoder.BlocksDecoder entry = offer.blocks();
    int entries = entry.count();
    for (int i = 0; i < entries; i++) {
      entry.next();
      int blockIndex = first + i;
      if (blockIndex < 0 || blockIndex >= count) {
        break;
      }
      if (grants[blockIndex] == UNDECIDED) {
        unoffered--;
        int code = codes[blockIndex] != 0 ? codes[blockIndex] : grant(blockIndex, entry);
        grants[blockIndex] = (byte) code;
        if (code != 0 && codes[blockIndex] == 0) {
          decide(blockIndex, code);
        }
      }
    }
    grantFrom = Math.min(grantFrom, Math.max(first, 0));
    grantLimit = Math.max(grantLimit, Math.min(count, first + entries));
    if (unoffered == 0 && !receiving && !ended) {
      receiving = true;
      skipDecided(nowNs);
    }
  }

  /** 0 if the block has a place now, else why not. */
  private int grant(int blockIndex, OfferDecoder.BlocksDecoder entry) {
    int refusal = entry.refusal();
    if (refusal != 0) {
      return said(refusal);
    }
    long blockBytes = entry.blockBytes();
    int layers = entry.layerCount();
    int first = entry.firstLayer();
    int limit = entry.layerLimit();
    if (layers == 0
        || first >= limit
        || limit > layers
        || blockBytes == 0
        || blockBytes > Integer.MAX_VALUE
        || blockBytes % layers != 0) {
      return Refusal.MISMATCH.code();
    }
    int layerBytes = (int) blockBytes / layers;
    lengths[blockIndex] = (limit - first) * layerBytes;
    placeOffsets[blockIndex] = first * layerBytes;
    checksums[blockIndex] = (int) entry.checksum();
    generations[blockIndex] = (int) entry.generation();
    BlockOffer offer =
        new BlockOffer(
            peer.nodeId(),
            new BlockKey(entry.keyHigh(), entry.keyLow()),
            new LayerRange(first, limit),
            layers,
            (int) blockBytes,
            (int) entry.encoding());
    offers[blockIndex] = offer;
    int mismatch = pulled ? checkRequest(blockIndex, offer) : 0;
    return mismatch != 0 ? mismatch : place(blockIndex, offer);
  }

  /** The source may refuse a block in any words, but "delivered" is never said by it. */
  private static int said(int code) {
    boolean refusal = code != Verdict.DELIVERED && code <= Byte.MAX_VALUE;
    return refusal ? code : Refusal.MISMATCH.code();
  }

  private int checkRequest(int blockIndex, BlockOffer offer) {
    PullBlock request = requests[blockIndex];
    LayerRange asked = request.layers();
    int limit = asked.limit() == 0 ? offer.layerCount() : asked.limit();
    if (!request.key().equals(offer.key())
        || asked.first() != offer.layers().first()
        || limit != offer.layers().limit()) {
      return Refusal.MISMATCH.code();
    }
    if (request.source() != null && request.source().generation() != generations[blockIndex]) {
      return Refusal.STALE_SOURCE.code();
    }
    return request.encoding() == offer.encoding() ? 0 : Refusal.ENCODING.code();
  }

  private int place(int blockIndex, BlockOffer offer) {
    BlockRef ref;
    if (pulled) {
      ref = requests[blockIndex].destination();
    } else {
      BlockSink.Placement placement = peer.core().place(offer);
      if (placement.slot() == null) {
        return placement.refusal().code();
      }
      ref = placement.slot();
    }
    int code = lease(blockIndex, ref, offer.blockBytes());
    if (code == 0) {
      places[blockIndex] = ref;
    } else if (!pulled) {
      peer.core().onVerdict(offer, ref, code);
    }
    return code;
  }

  private int lease(int blockIndex, BlockRef ref, int blockBytes) {
    Region region = peer.core().regions().get(ref.regionId());
    if (region == null || ref.slot() < 0 || ref.slot() >= region.slotCount()) {
      return Refusal.REGION_CLOSED.code();
    }
    if (blockBytes > region.slotBytes()) {
      return Refusal.TOO_LARGE.code();
    }
    if (region.generation(ref.slot()) != ref.generation()) {
      return Refusal.STALE_DESTINATION.code();
    }
    RegionLease lease = region.lease();
    if (lease == null) {
      return Refusal.REGION_CLOSED.code();
    }
    leases[blockIndex] = lease;
    return 0;
  }

  private boolean sendGrant() {
    ControlWriter writer = peer.core().writer();
    int first = grantFrom;
    int limit = first;
    while (limit < grantLimit && limit - first < MAX_CODES && grants[limit] != UNDECIDED) {
      limit++;
    }
    if (limit > first) {
      GrantEncoder grant = writer.grant;
      grant.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
      grant.transferId(id).firstIndex(first).reserved(0).limitBytes(creditLimit());
      grant.putCodes(grants, first, limit - first);
      if (writer.send(peer, Lane.CONTROL, grant.encodedLength()) < 0) {
        return false;
      }
    }
    while (limit < grantLimit && grants[limit] == UNDECIDED) {
      limit++;
    }
    grantFrom = limit == grantLimit ? count : limit;
    grantLimit = limit == grantLimit ? 0 : grantLimit;
    return true;
  }

  private long creditLimit() {
    int window =
        Math.max(peer.core().config().limits().windowBytes(), 2 * FrameLayout.MAX_FRAME_BYTES);
    return position() + window;
  }

  private boolean sendAck(long nowNs) {
    ControlWriter writer = peer.core().writer();
    AckEncoder ack = writer.ack;
    int codeCount = Math.min(MAX_CODES, index - ackedIndex);
    ack.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    ack.transferId(id)
        .positionBytes(position())
        .limitBytes(creditLimit())
        .firstIndex(ackedIndex)
        .flags((short) ackFlags)
        .reserved((short) 0)
        .reserved2(0);
    ack.putCodes(codes, ackedIndex, codeCount);
    if (writer.send(peer, Lane.CONTROL, ack.encodedLength()) < 0) {
      return false;
    }
    ackedIndex += codeCount;
    ackedBytes = position();
    ackNeeded = ackedIndex < index;
    ackFlags = 0;
    activityNs = nowNs;
    return true;
  }

  void onProbe(long firstIndex, long nowNs) {
    if (receiving || ended) {
      ackedIndex = (int) Math.min(ackedIndex, firstIndex);
      ackNeeded = true;
      ackFlags |= Outgoing.PROBE_REPLY;
    }
  }

  /** The next frame of the stream, or one that is dropped. */
  void onData(BlockDataDecoder data, FrameReader frame, long nowNs) {
    if (!receiving) {
      peer.count(ended ? TransportCounter.FRAMES_DUPLICATE : TransportCounter.FRAMES_EARLY);
      ackNeeded |= ended;
      return;
    }
    long blockIndex = data.blockIndex();
    long offsetBytes = data.offsetBytes();
    if (blockIndex != index || (offsetBytes != offset && data.abort() == 0)) {
      onOutOfOrder(blockIndex, offsetBytes);
      return;
    }
    if (data.abort() != 0) {
      endBlock(said(data.abort()), nowNs);
      return;
    }
    int payloadBytes = frame.payloadBytes();
    int length = lengths[index];
    if ((int) data.generation() != generations[index]) {
      peer.count(TransportCounter.FRAMES_STALE_GENERATION);
      endBlock(Refusal.STALE_SOURCE.code(), nowNs);
      return;
    }
    if (payloadBytes < 1 || payloadBytes > length - offset || data.lengthBytes() != length) {
      peer.count(TransportCounter.FRAMES_CORRUPT);
      endBlock(Refusal.MISMATCH.code(), nowNs);
      return;
    }
    Region region = leases[index].region();
    BlockRef ref = places[index];
    if (region.generation(ref.slot()) != ref.generation()) {
      endBlock(Refusal.STALE_DESTINATION.code(), nowNs);
      return;
    }
    if (openIndex != index) {
      open(region, ref);
    }
    copy(frame, payloadBytes);
    offset += payloadBytes;
    activityNs = nowNs;
    if (offset == length) {
      endBlock(verify(region, ref), nowNs);
    } else if (position() - ackedBytes >= peer.core().config().limits().windowBytes() / 4) {
      ackNeeded = true;
    }
  }

  private void onOutOfOrder(long blockIndex, long offsetBytes) {
    boolean seen = blockIndex < index || (blockIndex == index && offsetBytes < offset);
    peer.count(seen ? TransportCounter.FRAMES_DUPLICATE : TransportCounter.FRAMES_GAP);
    if (!seen && gapPosition != position()) {
      gapPosition = position();
      ackNeeded = true;
      ackFlags |= Outgoing.GAP;
    }
  }

  private void open(Region region, BlockRef ref) {
    place.wrap(region.slotAddress(ref.slot()) + placeOffsets[index], lengths[index]);
    placeView =
        region
            .memory()
            .asSlice((long) ref.slot() * region.slotBytes() + placeOffsets[index], lengths[index])
            .asByteBuffer();
    crc.reset();
    openIndex = index;
  }

  private void copy(FrameReader frame, int payloadBytes) {
    int from = frame.payloadOffset();
    for (int done = 0; done < payloadBytes; done += SLICE_BYTES) {
      int bytes = Math.min(SLICE_BYTES, payloadBytes - done);
      int to = offset + done;
      place.putBytes(to, frame.payload(), from + done, bytes);
      placeView.limit(to + bytes).position(to);
      crc.update(placeView);
    }
  }

  private int verify(Region region, BlockRef ref) {
    if ((int) crc.getValue() != checksums[index]) {
      peer.count(TransportCounter.CHECKSUM_FAILURES);
      return Refusal.CHECKSUM.code();
    }
    return region.generation(ref.slot()) == ref.generation()
        ? Verdict.DELIVERED
        : Refusal.STALE_DESTINATION.code();
  }

  private void endBlock(int code, long nowNs) {
    decide(index, code);
    nextBlock();
    skipDecided(nowNs);
    if (position() - ackedBytes >= peer.core().config().limits().windowBytes() / 4) {
      ackNeeded = true;
    }
  }

  private void nextBlock() {
    if (grants[index] == 0) {
      blockStart += lengths[index];
    }
    index++;
    offset = 0;
  }

  private void skipDecided(long nowNs) {
    while (index < count && codes[index] != 0) {
      nextBlock();
    }
    if (index == count) {
      finish(nowNs);
    }
  }

  private void decide(int blockIndex, int code) {
    codes[blockIndex] = (byte) code;
    undecided--;
    if (leases[blockIndex] != null) {
      leases[blockIndex].close();
    }
    if (code == Verdict.DELIVERED) {
      peer.count(TransportCounter.BLOCKS_RECEIVED);
    }
    if (pulled) {
      peer.countVerdict(code);
    } else if (places[blockIndex] != null) {
      peer.core().onVerdict(offers[blockIndex], places[blockIndex], code);
    }
    listener.onBlock(blockIndex, code);
  }

  /** Time passes: deadline, repetition of requests, delayed acknowledgements, end of linger. */
  void onTick(long nowNs) {
    if (ended) {
      if (nowNs - endedNs >= peer.core().config().timeouts().lingerNs()) {
        peer.removeIncoming(this);
      }
    } else if (nowNs - deadlineNs >= 0) {
      end(Verdict.TIMED_OUT, nowNs);
    } else if (pulled && !anyOffer && requestNext == count && peer.ready()) {
      if (nowNs - activityNs >= peer.core().config().timeouts().retransmitNs()) {
        requestNext = 0;
      }
    } else if (receiving
        && position() > ackedBytes
        && nowNs - activityNs >= peer.core().config().timeouts().ackDelayNs()) {
      ackNeeded = true;
    }
  }

  @Override
  public void hurry() {
    patient = false;
    if (pulled && !anyOffer && !ended) {
      requestNext = 0;
    }
  }

  /** The peer may have lost our request with its connection. */
  void onPeerReady(long nowNs) {
    if (pulled && !anyOffer) {
      requestNext = 0;
      activityNs = nowNs;
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
      peer.closeOther(id, code, true);
      finish(nowNs);
    }
  }

  private void finish(long nowNs) {
    ended = true;
    receiving = false;
    endedNs = nowNs;
    ackNeeded = anyOffer;
    index = count;
    placeView = null;
    long deliveredBytes = 0;
    for (int i = 0; i < count; i++) {
      deliveredBytes += codes[i] == Verdict.DELIVERED ? lengths[i] : 0;
    }
    listener.onEnd(codes.clone(), deliveredBytes, nowNs - startedNs);
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
