package io.kvasir.actors.gateway;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Tells the request in progress on a connection that its client is gone, knows since when none is
 * in progress, and can close the connection then. A connection carries one request at a time, so
 * there is one listener. Safe from any thread.
 */
final class ClientConnection {
  private static final Runnable NOBODY = () -> {};
  private static final Runnable GONE = () -> {};
  private static final long BUSY = -1;

  private final AtomicReference<Runnable> listener = new AtomicReference<>(NOBODY);
  private final long openedNs = System.nanoTime();
  private final AtomicReference<Runnable> closer = new AtomicReference<>(NOBODY);
  private volatile boolean closing;
  // Time since it was opened at which it became idle, or BUSY.
  private volatile long idleSinceNs;

  /** Replaces the listener of the request before; runs it at once if the client has gone. */
  void onGone(Runnable next) {
    if (listener.getAndUpdate(current -> current == GONE ? GONE : next) == GONE) {
      next.run();
    }
  }

  void gone() {
    listener.getAndSet(GONE).run();
  }

  /** A request's head has come. */
  void requestBegan() {
    idleSinceNs = BUSY;
  }

  /** Its answer is out, or was broken off. */
  void answerEnded() {
    idleSinceNs = System.nanoTime() - openedNs;
    closeIfIdle();
  }

  /** How to close the connection; safe from any thread, any number of times. */
  void closeBy(Runnable close) {
    closer.set(close);
    closeIfIdle();
  }

  /** Closes the connection now, or when the answer in progress is out. */
  void closeWhenIdle() {
    closing = true;
    closeIfIdle();
  }

  private void closeIfIdle() {
    if (closing && idleSinceNs != BUSY) {
      closer.get().run();
    }
  }

  /** How long no request has been in progress; 0 while one is. */
  long idleNs() {
    long since = idleSinceNs;
    return since == BUSY ? 0 : System.nanoTime() - openedNs - since;
  }
}
