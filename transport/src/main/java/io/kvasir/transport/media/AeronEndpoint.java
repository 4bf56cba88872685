package io.kvasir.transport.media;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.exceptions.AeronException;
import io.aeron.exceptions.RegistrationException;
import io.aeron.logbuffer.BufferClaim;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.Lane;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.crypto.LinkCiphers;
import io.kvasir.transport.frame.FrameWriter;
import org.agrona.DirectBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Both directions to one peer. Publications are exclusive, one a lane, opened by the first send and
 * closed by reset. Each used set of publications has its own number, which is part of the session
 * id, so that nothing of a former connection can be taken for the present one. A set that never
 * found its subscriber carried nothing and stays: the number goes up only when the peer has seen
 * it, because the peer listens for the present number and the next one alone.
 */
final class AeronEndpoint implements Endpoint {
  private static final Logger LOG = LoggerFactory.getLogger(AeronEndpoint.class);
  private static final int LANES = Lane.values().length;
  private static final long NONE = Aeron.NULL_VALUE;

  private final AeronMedium medium;
  private final MediumKind kind;
  private final LaneSettings[] lanes = new LaneSettings[LANES];
  private final Invitation peer;
  private final FrameWriter[] writers = new FrameWriter[LANES];
  private final LaneInbox inbox;
  private final long[] registrations = new long[LANES];
  private final ExclusivePublication[] publications = new ExclusivePublication[LANES];
  private final BufferClaim claim = new BufferClaim();
  private int publicationNumber = 1;
  private boolean opening;
  private boolean opened;
  private boolean used;
  private boolean lost;

  AeronEndpoint(
      AeronMedium medium,
      MediumKind kind,
      AeronSettings settings,
      Invitation own,
      Invitation peer,
      LinkCiphers ciphers) {
    this.medium = medium;
    this.kind = kind;
    this.peer = peer;
    for (Lane lane : Lane.values()) {
      int at = lane.index();
      lanes[at] = (kind == MediumKind.IPC ? settings.ipc() : settings.udp()).get(at);
      writers[at] = new FrameWriter(ciphers == null ? null : ciphers.sending(lane));
      writers[at].publication(publicationNumber);
      registrations[at] = NONE;
    }
    this.inbox = new LaneInbox(medium, kind, lanes, own);
    listen();
  }

  /** Subscribes (again): at the start and with each new client. */
  void listen() {
    inbox.listen();
  }

  /** The client closed and everything on it. */
  void onClientLost() {
    for (int lane = 0; lane < LANES; lane++) {
      registrations[lane] = NONE;
      publications[lane] = null;
    }
    opening = false;
    opened = false;
    nextPublicationIfUsed();
    inbox.onClientLost();
    lost = true;
  }

  int progress() {
    int work = inbox.progress();
    if (opening) {
      work += progressPublications();
    }
    return work;
  }

  private int progressPublications() {
    Aeron client = medium.client();
    int open = 0;
    try {
      for (int lane = 0; lane < LANES; lane++) {
        if (publications[lane] == null) {
          publications[lane] = client.getExclusivePublication(registrations[lane]);
        }
        open += publications[lane] == null ? 0 : 1;
      }
    } catch (RegistrationException e) {
      LOG.warn("publication to node {} refused by the driver: {}", peer.nodeId(), e.getMessage());
      closePublications();
      return 1;
    }
    if (open == LANES) {
      opening = false;
      opened = true;
      return 1;
    }
    return 0;
  }

  private void openPublications() {
    Aeron client = medium.client();
    if (client == null || client.isClosed()) {
      return;
    }
    try {
      for (int lane = 0; lane < LANES; lane++) {
        registrations[lane] =
            client.asyncAddExclusivePublication(channel(lane), peer.streamBase() + lane);
      }
      opening = true;
    } catch (AeronException e) {
      medium.onClientTrouble(e);
    }
  }

  private String channel(int lane) {
    LaneSettings settings = lanes[lane];
    String common =
        "session-id="
            + (peer.sessionBase() + publicationNumber)
            + "|mtu="
            + settings.mtuBytes()
            + "|term-length="
            + settings.termBytes();
    return kind == MediumKind.IPC
        ? "aeron:ipc?" + common
        : "aeron:udp?endpoint=" + peer.endpoint() + "|linger=0|" + common;
  }

  @Override
  public int stage(
      Lane lane,
      DirectBuffer head,
      int headBytes,
      DirectBuffer payload,
      int payloadOffset,
      int payloadBytes) {
    if (!opened) {
      if (!opening) {
        openPublications();
      }
      return NOT_CONNECTED;
    }
    FrameWriter writer = writers[lane.index()];
    long result =
        publications[lane.index()].tryClaim(
            headBytes + payloadBytes + writer.overheadBytes(), claim);
    if (result < 0) {
      return (int) result;
    }
    used = true;
    writer.write(
        claim.buffer(), claim.offset(), head, headBytes, payload, payloadOffset, payloadBytes);
    return 0;
  }

  @Override
  public void commit() {
    claim.commit();
  }

  @Override
  public void abort() {
    claim.abort();
  }

  @Override
  public int maxFrameBytes(Lane lane) {
    return lanes[lane.index()].maxFrameBytes() - writers[lane.index()].overheadBytes();
  }

  @Override
  public void reset() {
    if (used) {
      closePublications();
      nextPublicationIfUsed();
    }
  }

  private void closePublications() {
    Aeron client = medium.client();
    for (int lane = 0; lane < LANES; lane++) {
      if (publications[lane] != null) {
        publications[lane].close();
      } else if (client != null && !client.isClosed() && registrations[lane] != NONE) {
        client.asyncRemovePublication(registrations[lane]);
      }
      publications[lane] = null;
      registrations[lane] = NONE;
    }
    opening = false;
    opened = false;
  }

  private void nextPublicationIfUsed() {
    if (used) {
      used = false;
      publicationNumber++;
      for (FrameWriter writer : writers) {
        writer.publication(publicationNumber);
      }
    }
  }

  @Override
  public int poll(FrameHandler handler) {
    return inbox.poll(handler);
  }

  @Override
  public boolean pollLost() {
    boolean was = lost | inbox.pollLost();
    lost = false;
    return was;
  }

  @Override
  public MediumKind kind() {
    return kind;
  }

  @Override
  public void close() {
    closePublications();
    inbox.close();
    medium.forget(this);
  }
}
