package io.kvasir.transport;

import java.util.EnumMap;

/** Shared instances, so that a verdict costs no allocation. */
final class Verdicts {
  static final Verdict DELIVERED = new Verdict.Delivered();
  static final Verdict TIMED_OUT = new Verdict.TimedOut();
  static final Verdict PEER_LOST = new Verdict.PeerLost();
  private static final EnumMap<Refusal, Verdict> REFUSED = new EnumMap<>(Refusal.class);

  static {
    for (Refusal refusal : Refusal.values()) {
      REFUSED.put(refusal, new Verdict.Refused(refusal));
    }
  }

  private Verdicts() {}

  static Verdict refused(Refusal refusal) {
    return REFUSED.get(refusal);
  }
}
