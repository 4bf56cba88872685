package io.kvasir.transport.media;

import io.kvasir.transport.Invitation;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.crypto.LinkCiphers;

/** A way to reach peers. Agent only but for {@link #describe}. Nothing in it blocks. */
public interface Medium extends AutoCloseable {
  /**
   * An invitation with this medium's addresses.
   *
   * @param sessionBase drawn at random by the caller
   */
  Invitation describe(long nodeId, long incarnation, long guestNodeId, int sessionBase);

  /** Whether frames to that peer leave the host, so that they are encrypted by default. */
  boolean leavesHost(Invitation own, Invitation peer);

  /**
   * Opens the way to and from a peer: listens at once, sends when asked.
   *
   * @param own invitation the peer sends by
   * @param peer invitation we send by
   * @param ciphers seal and open every frame, or null for plain frames
   */
  Endpoint open(Invitation own, Invitation peer, LinkCiphers ciphers);

  /** Progress of what is under way; returns work done. */
  int doWork(long nowNs);

  /** Publishes counters where the medium can show them to other processes. */
  void export(TransportCounters counters);

  /** Whether nothing can be sent or received now because the medium itself is being rebuilt. */
  boolean down();

  /** Closes all endpoints and the medium. */
  @Override
  void close();
}
