package io.kvasir.actors.gateway;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Tells the request in progress on a connection that its client is gone. A connection carries one
 * request at a time, so there is one listener. Safe from any thread.
 */
final class ClientConnection {
  private static final Runnable NOBODY = () -> {};
  private static final Runnable GONE = () -> {};

  private final AtomicReference<Runnable> listener = new AtomicReference<>(NOBODY);

  /** Replaces the listener of the request before; runs it at once if the client has gone. */
  void onGone(Runnable next) {
    if (listener.getAndUpdate(current -> current == GONE ? GONE : next) == GONE) {
      next.run();
    }
  }

  void gone() {
    listener.getAndSet(GONE).run();
  }
}
