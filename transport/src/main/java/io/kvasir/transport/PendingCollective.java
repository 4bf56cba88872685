package io.kvasir.transport;

/** A collective operation under way. Any thread may ask; waiting is the caller's choice. */
public interface PendingCollective {
  /** Whether it ended; results are visible to the thread that saw true. */
  boolean isDone();

  /** Its verdict ({@link Verdict.Delivered} = every member's part arrived), or null. */
  Verdict verdict();

  /**
   * Waits by yielding, and drives the transport if the caller does so anyway.
   *
   * @throws IllegalStateException if the operation failed, with the reason
   */
  void await();
}
