package io.kvasir.transport.protocol;

import io.kvasir.transport.Refusal;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.wire.AckDecoder;
import io.kvasir.transport.wire.BlockDataDecoder;
import io.kvasir.transport.wire.CloseDecoder;
import io.kvasir.transport.wire.GoodbyeDecoder;
import io.kvasir.transport.wire.GrantDecoder;
import io.kvasir.transport.wire.HelloDecoder;
import io.kvasir.transport.wire.HelloReplyDecoder;
import io.kvasir.transport.wire.OfferDecoder;
import io.kvasir.transport.wire.ProbeDecoder;
import io.kvasir.transport.wire.PullDecoder;
import io.kvasir.transport.wire.VectorDataDecoder;
import io.kvasir.transport.wire.VectorRequestDecoder;

/** Hands each proven frame to the state machine it belongs to. Allocates nothing per frame. */
final class Dispatcher {
  private static final int BODY = FrameLayout.HEADER_BYTES;

  private final TransportCore core;
  private final HelloDecoder hello = new HelloDecoder();
  private final HelloReplyDecoder helloReply = new HelloReplyDecoder();
  private final PullDecoder pull = new PullDecoder();
  private final OfferDecoder offer = new OfferDecoder();
  private final GrantDecoder grant = new GrantDecoder();
  private final AckDecoder ack = new AckDecoder();
  private final ProbeDecoder probe = new ProbeDecoder();
  private final CloseDecoder close = new CloseDecoder();
  private final BlockDataDecoder data = new BlockDataDecoder();
  private final VectorDataDecoder vector = new VectorDataDecoder();
  private final VectorRequestDecoder vectorRequest = new VectorRequestDecoder();

  Dispatcher(TransportCore core) {
    this.core = core;
  }

  void onFrame(Peer peer, FrameReader frame, long nowNs) {
    int template = frame.templateId();
    int block = frame.blockBytes();
    int version = frame.version();
    if (template == HelloDecoder.TEMPLATE_ID) {
      peer.heard(nowNs);
      peer.handshake().onHello(hello.wrap(frame.message(), BODY, block, version), nowNs);
    } else if (template == HelloReplyDecoder.TEMPLATE_ID) {
      peer.heard(nowNs);
      peer.handshake().onReply(helloReply.wrap(frame.message(), BODY, block, version), nowNs);
    } else if (!peer.handshake().peerAccepted()) {
      peer.count(TransportCounter.FRAMES_EARLY);
      peer.handshake().onEarlyFrame(nowNs);
    } else {
      peer.heard(nowNs);
      onTransferFrame(peer, frame, template, block, version, nowNs);
    }
  }

  private void onTransferFrame(
      Peer peer, FrameReader frame, int template, int block, int version, long nowNs) {
    switch (template) {
      case BlockDataDecoder.TEMPLATE_ID ->
          onData(peer, frame, data.wrap(frame.message(), BODY, block, version), nowNs);
      case AckDecoder.TEMPLATE_ID ->
          onAck(peer, ack.wrap(frame.message(), BODY, block, version), nowNs);
      case GrantDecoder.TEMPLATE_ID ->
          onGrant(peer, grant.wrap(frame.message(), BODY, block, version), nowNs);
      case OfferDecoder.TEMPLATE_ID ->
          onOffer(peer, offer.wrap(frame.message(), BODY, block, version), nowNs);
      case PullDecoder.TEMPLATE_ID ->
          onPull(peer, pull.wrap(frame.message(), BODY, block, version), nowNs);
      case ProbeDecoder.TEMPLATE_ID ->
          onProbe(peer, probe.wrap(frame.message(), BODY, block, version), nowNs);
      case CloseDecoder.TEMPLATE_ID ->
          onClose(peer, close.wrap(frame.message(), BODY, block, version), nowNs);
      case VectorDataDecoder.TEMPLATE_ID ->
          core.groups()
              .onVector(peer, vector.wrap(frame.message(), BODY, block, version), frame, nowNs);
      case VectorRequestDecoder.TEMPLATE_ID ->
          core.groups()
              .onRequest(peer, vectorRequest.wrap(frame.message(), BODY, block, version), nowNs);
      case GoodbyeDecoder.TEMPLATE_ID -> peer.handshake().onGoodbye();
      default -> peer.count(TransportCounter.FRAMES_FOREIGN);
    }
  }

  private void onData(Peer peer, FrameReader frame, BlockDataDecoder in, long nowNs) {
    Incoming transfer = peer.incoming(in.transferId());
    if (transfer == null) {
      unknown(peer, in.transferId(), true);
    } else {
      transfer.onData(in, frame, nowNs);
    }
  }

  private void onAck(Peer peer, AckDecoder in, long nowNs) {
    Outgoing transfer = peer.outgoing(in.transferId());
    if (transfer == null) {
      unknown(peer, in.transferId(), false);
    } else {
      transfer.onAck(in, nowNs);
    }
  }

  private void onGrant(Peer peer, GrantDecoder in, long nowNs) {
    Outgoing transfer = peer.outgoing(in.transferId());
    if (transfer == null) {
      unknown(peer, in.transferId(), false);
    } else {
      transfer.onGrant(in, nowNs);
    }
  }

  private void onOffer(Peer peer, OfferDecoder in, long nowNs) {
    long id = in.transferId();
    Incoming transfer = peer.incoming(id);
    long count = in.blockCount();
    if (transfer == null) {
      if ((id & 1) != 0) {
        unknown(peer, id, true);
        return;
      }
      if (count < 1 || count > core.config().limits().maxBatchBlocks() || peer.incomingFull()) {
        Refusal why = peer.incomingFull() ? Refusal.BUSY : Refusal.BATCH_TOO_LONG;
        peer.closeOther(id, why.code(), true);
        return;
      }
      core.counters().increment(TransportCounter.PUSHES_RECEIVED);
      long deadlineNs = nowNs + Math.max(0, in.deadlineNs());
      transfer =
          new Incoming(peer, id, null, (int) count, TransferListener.NONE, nowNs, deadlineNs);
      peer.add(transfer, nowNs);
    }
    if (transfer.blockCount() == count) {
      transfer.onOffer(in, nowNs);
    } else {
      peer.count(TransportCounter.FRAMES_CORRUPT);
    }
  }

  private void onPull(Peer peer, PullDecoder in, long nowNs) {
    Outgoing transfer = peer.outgoing(in.transferId());
    if (transfer == null) {
      transfer = core.servePull(peer, in, nowNs);
    }
    if (transfer == null || !transfer.pulled || transfer.blockCount() != in.blockCount()) {
      return;
    }
    int index = (int) in.firstIndex();
    PullDecoder.BlocksDecoder entries = in.blocks();
    int count = entries.count();
    for (int i = 0; i < count && index >= 0 && index < transfer.blockCount(); i++, index++) {
      entries.next();
      if (!transfer.resolved(index)) {
        core.resolve(transfer, index, peer, entries);
      }
    }
  }

  private void onProbe(Peer peer, ProbeDecoder in, long nowNs) {
    Incoming transfer = peer.incoming(in.transferId());
    if (transfer == null) {
      unknown(peer, in.transferId(), true);
    } else {
      transfer.onProbe(in.firstIndex(), nowNs);
    }
  }

  private void onClose(Peer peer, CloseDecoder in, long nowNs) {
    int code = in.code() > Byte.MAX_VALUE || in.code() == 0 ? Refusal.MISMATCH.code() : in.code();
    int open = code == Verdict.DELIVERED ? Refusal.CANCELLED.code() : code;
    if (in.toSource() != 0) {
      Outgoing transfer = peer.outgoing(in.transferId());
      if (transfer != null) {
        transfer.end(open, nowNs);
      }
    } else {
      Incoming transfer = peer.incoming(in.transferId());
      if (transfer != null) {
        transfer.end(open, nowNs);
        peer.removeIncoming(transfer);
      }
    }
  }

  private void unknown(Peer peer, long transferId, boolean toSource) {
    peer.count(TransportCounter.FRAMES_UNKNOWN_TRANSFER);
    peer.closeOther(transferId, Refusal.UNKNOWN_TRANSFER.code(), toSource);
  }
}
