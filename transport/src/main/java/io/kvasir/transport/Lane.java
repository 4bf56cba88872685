package io.kvasir.transport;

/** A peer's three streams; each has its own publication, so that none waits in another's queue. */
public enum Lane {
  /** Handshake, offers, credit, verdicts. */
  CONTROL(0),
  /** Small vectors of collectives; waits for at most one bulk frame in our queues. */
  SMALL(1),
  /** Block payload. */
  BULK(2);

  private static final Lane[] ALL = values();
  private final int index;

  Lane(int index) {
    this.index = index;
  }

  /** 0..2; also the offset of the lane's Aeron stream id from the configured base. */
  public int index() {
    return index;
  }

  /** The lane of an index. */
  public static Lane of(int index) {
    return ALL[index];
  }
}
