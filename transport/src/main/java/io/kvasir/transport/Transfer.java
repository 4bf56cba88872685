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

  /**
   * Ends the patience of a pull's blocks ({@link PullBlock#patient}): what the peer does not know
   * when it hears this it refuses as {@link Refusal#NOT_FOUND}. No effect once it has offered them.
   */
  void hurry();
}
