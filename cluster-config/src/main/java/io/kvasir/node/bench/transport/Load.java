package io.kvasir.node.bench.transport;

import java.io.IOException;

/** One end of one way to move bytes; in a worker process, on its main thread. */
interface Load extends AutoCloseable {
  /** What a worker is. */
  enum Role {
    SENDER,
    RECEIVER,
    /** Neither: it runs the driver that the others share. */
    DRIVER
  }

  /**
   * Begins to connect.
   *
   * @return what the other end must be told, as {@code key=value} words; the receiver opens first,
   *     and the sender's spec has its words already
   */
  String open() throws Exception;

  /**
   * Waits until the other end is there.
   *
   * @param other what {@link #open} returned there
   */
  void awaitPeer(Spec other) throws Exception;

  /**
   * Moves {@code bytes} from the sender's region to the receiver's, which it laps if need be.
   *
   * @return {@code System.nanoTime()} before the first byte at the sender, after the last at the
   *     receiver: on Linux one clock for all processes of a machine
   */
  long move(long bytes) throws Exception;

  /**
   * Exchanges messages with the other end: both send, then both wait for the other's.
   *
   * @return nanoseconds a round, of each two successive rounds, not sorted: the end that comes late
   *     to one round finds the next message there already, so single rounds alternate
   */
  default long[] exchange(int bytes, int rounds) throws Exception {
    throw new UnsupportedOperationException(getClass().getSimpleName() + " has no exchange");
  }

  /** What else there is to say, as {@code key=value} words; may be empty. */
  default String notes() throws Exception {
    return "";
  }

  @Override
  void close() throws IOException;
}
