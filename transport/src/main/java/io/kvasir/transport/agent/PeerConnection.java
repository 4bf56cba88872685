package io.kvasir.transport.agent;

import io.kvasir.transport.Invitation;
import io.kvasir.transport.Lane;
import io.kvasir.transport.PeerStatus;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.crypto.LinkCiphers;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.media.Endpoint;
import io.kvasir.transport.protocol.Peer;
import io.kvasir.transport.protocol.TransportCore;
import org.agrona.DirectBuffer;

/** One connected peer: endpoint, frame readers and core peer. Agent only. */
final class PeerConnection implements Endpoint.FrameHandler {
  final Endpoint endpoint;
  final Peer peer;
  final LinkCiphers ciphers;
  private final NodeTransport transport;
  private final TransportCore core;
  private final TransportCounters counters;
  private final FrameReader[] readers = new FrameReader[Lane.values().length];

  PeerConnection(
      NodeTransport transport,
      TransportCore core,
      Endpoint endpoint,
      Invitation invitation,
      LinkCiphers ciphers) {
    this.transport = transport;
    this.core = core;
    this.counters = transport.counters();
    this.endpoint = endpoint;
    this.ciphers = ciphers;
    for (Lane lane : Lane.values()) {
      readers[lane.index()] =
          new FrameReader(
              transport.incarnation(),
              invitation.incarnation(),
              ciphers == null ? null : ciphers.receiving(lane));
    }
    this.peer = core.addPeer(invitation.nodeId(), invitation.incarnation(), endpoint);
  }

  int poll(long nowNs) {
    if (endpoint.pollLost()) {
      core.onLinkLost(peer, nowNs);
    }
    return endpoint.poll(this);
  }

  @Override
  public void onFrame(Lane lane, DirectBuffer buffer, int offset, int lengthBytes) {
    counters.increment(TransportCounter.FRAMES_RECEIVED);
    counters.add(TransportCounter.bytesReceived(lane), lengthBytes);
    try {
      FrameReader reader = readers[lane.index()];
      TransportCounter refusal = reader.open(buffer, offset, lengthBytes);
      if (refusal == null) {
        core.onFrame(peer, lane, reader, transport.cycleNs());
      } else {
        counters.increment(refusal);
      }
    } catch (RuntimeException e) {
      transport.onError(e);
    }
  }

  PeerStatus status() {
    return new PeerStatus(
        peer.nodeId(),
        peer.incarnation(),
        endpoint.kind(),
        ciphers != null,
        peer.ready(),
        peer.refusalSentence(),
        peer.transferCount());
  }
}
