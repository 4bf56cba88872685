package io.kvasir.transport.protocol;

import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.frame.FrameReader;
import io.kvasir.transport.wire.VectorDataDecoder;
import io.kvasir.transport.wire.VectorRequestDecoder;
import java.util.ArrayList;

/** The collective groups of a core; bounded by configuration. Agent only. */
public final class GroupTable {
  private final TransportCore core;
  private final ArrayList<Exchange> exchanges = new ArrayList<>();

  GroupTable(TransportCore core) {
    this.core = core;
  }

  /** Joins a group; a former formation of the same group ends. */
  public Exchange join(GroupSpec spec, ExchangeListener listener) {
    Exchange former = find(spec.groupId());
    if (former != null) {
      leave(former);
    }
    if (exchanges.size() >= core.config().limits().maxGroups()) {
      throw new IllegalStateException(
          "maxGroups="
              + core.config().limits().maxGroups()
              + " is reached; leave a group or raise the limit");
    }
    Exchange exchange = new Exchange(core, spec, listener);
    exchanges.add(exchange);
    return exchange;
  }

  /** Leaves; an operation under way fails. */
  public void leave(Exchange exchange) {
    exchange.fail(Refusal.CANCELLED.code());
    exchanges.remove(exchange);
  }

  private Exchange find(long groupId) {
    for (int i = 0; i < exchanges.size(); i++) {
      if (exchanges.get(i).spec().groupId() == groupId) {
        return exchanges.get(i);
      }
    }
    return null;
  }

  boolean wants(Peer peer) {
    for (int i = 0; i < exchanges.size(); i++) {
      if (exchanges.get(i).wants(peer)) {
        return true;
      }
    }
    return false;
  }

  void flush(Peer peer, long nowNs) {
    for (int i = 0; i < exchanges.size(); i++) {
      exchanges.get(i).flush(peer, nowNs);
    }
  }

  void onTick(long nowNs) {
    for (int i = exchanges.size() - 1; i >= 0; i--) {
      exchanges.get(i).onTick(nowNs);
    }
  }

  void onPeerLost(Peer peer) {
    for (int i = exchanges.size() - 1; i >= 0; i--) {
      exchanges.get(i).onPeerLost(peer);
    }
  }

  void onVector(Peer peer, VectorDataDecoder vector, FrameReader frame, long nowNs) {
    Exchange exchange = find(vector.groupId());
    if (exchange == null || exchange.epoch() != vector.groupEpoch()) {
      peer.count(TransportCounter.FRAMES_STALE_GROUP);
    } else {
      exchange.onVector(peer, vector, frame);
    }
  }

  void onRequest(Peer peer, VectorRequestDecoder request, long nowNs) {
    Exchange exchange = find(request.groupId());
    if (exchange == null || exchange.epoch() != request.groupEpoch()) {
      peer.count(TransportCounter.FRAMES_STALE_GROUP);
    } else {
      exchange.onRequest(peer, request);
    }
  }
}
