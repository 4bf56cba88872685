package io.kvasir.transport.crypto;

import io.kvasir.transport.Lane;
import io.kvasir.transport.LinkKeys;

/** The ciphers of a connection: one a lane and direction. Agent only. */
public final class LinkCiphers {
  private final LaneCipher[] sending = new LaneCipher[Lane.values().length];
  private final LaneCipher[] receiving = new LaneCipher[Lane.values().length];

  /** Ciphers under a connection's first keys. */
  public LinkCiphers(LinkKeys keys) {
    for (Lane lane : Lane.values()) {
      sending[lane.index()] = new LaneCipher(lane, keys.keyId(), keys.sendSecret());
      receiving[lane.index()] = new LaneCipher(lane, keys.keyId(), keys.receiveSecret());
    }
  }

  /** Seals what is sent on a lane. */
  public LaneCipher sending(Lane lane) {
    return sending[lane.index()];
  }

  /** Opens what is received on a lane. */
  public LaneCipher receiving(Lane lane) {
    return receiving[lane.index()];
  }

  /** First half of a rotation: frames under the next key can be opened from here. */
  public void installReceiving(LinkKeys next) {
    for (Lane lane : Lane.values()) {
      receiving[lane.index()].install(lane, next.keyId(), next.receiveSecret());
    }
  }

  /** Second half, once the peer has installed the key: frames are sealed with it. */
  public void activateSending(LinkKeys next) {
    for (Lane lane : Lane.values()) {
      sending[lane.index()].install(lane, next.keyId(), next.sendSecret());
    }
  }
}
