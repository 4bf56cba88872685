package io.kvasir.transport;

import java.util.concurrent.CompletableFuture;

/**
 * A transfer under way. Slots and source blocks named in it belong to the transport until {@link
 * #result()} completes.
 */
public interface Transfer {
  /**
   * Completes once every block has its verdict, never exceptionally, at the deadline at the latest
   * (plus one agent cycle). Completed on the transport's agent: dependents must not block; use the
   * {@code Async} forms.
   */
  CompletableFuture<TransferResult> result();

  /** Asks for the end: blocks without verdict become {@link Refusal#CANCELLED}. */
  void cancel();
}
