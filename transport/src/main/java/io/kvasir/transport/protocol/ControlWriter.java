package io.kvasir.transport.protocol;

import io.kvasir.transport.Lane;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.wire.AckEncoder;
import io.kvasir.transport.wire.BlockDataEncoder;
import io.kvasir.transport.wire.CloseEncoder;
import io.kvasir.transport.wire.GoodbyeEncoder;
import io.kvasir.transport.wire.GrantEncoder;
import io.kvasir.transport.wire.HelloEncoder;
import io.kvasir.transport.wire.HelloReplyEncoder;
import io.kvasir.transport.wire.MessageHeaderEncoder;
import io.kvasir.transport.wire.OfferEncoder;
import io.kvasir.transport.wire.ProbeEncoder;
import io.kvasir.transport.wire.PullEncoder;
import io.kvasir.transport.wire.VectorDataEncoder;
import io.kvasir.transport.wire.VectorRequestEncoder;
import org.agrona.concurrent.UnsafeBuffer;

/** Encoders over one scratch frame; shared by all peers of a core. Allocates nothing. */
final class ControlWriter {
  final UnsafeBuffer frame = new UnsafeBuffer(new byte[FrameLayout.MAX_FRAME_BYTES]);
  final HelloEncoder hello = new HelloEncoder();
  final HelloReplyEncoder helloReply = new HelloReplyEncoder();
  final PullEncoder pull = new PullEncoder();
  final OfferEncoder offer = new OfferEncoder();
  final GrantEncoder grant = new GrantEncoder();
  final AckEncoder ack = new AckEncoder();
  final ProbeEncoder probe = new ProbeEncoder();
  final CloseEncoder close = new CloseEncoder();
  final GoodbyeEncoder goodbye = new GoodbyeEncoder();
  final BlockDataEncoder data = new BlockDataEncoder();
  final VectorDataEncoder vector = new VectorDataEncoder();
  final VectorRequestEncoder vectorRequest = new VectorRequestEncoder();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();

  /** Header with everything the protocol knows; the rest is put by the frame writer. */
  MessageHeaderEncoder begin(Peer peer) {
    return header
        .wrap(frame, 0)
        .fromIncarnation(peer.core().config().incarnation())
        .toIncarnation(peer.incarnation())
        .counter(0)
        .publication(0)
        .keyId(0)
        .reserved(0);
  }

  /** Sends the encoded control frame of {@code HEADER_BYTES + bodyBytes}. */
  int send(Peer peer, Lane lane, int bodyBytes) {
    return peer.send(
        lane, frame, FrameLayout.HEADER_BYTES, frame, FrameLayout.HEADER_BYTES, bodyBytes);
  }
}
