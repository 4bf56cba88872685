package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.access.Sojourn;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what the gateway holds at once: requests in progress and bytes of bodies. Decides before a
 * body is read. Safe from any thread; never waits.
 */
final class AdmissionGate {
  private final int maxRequests;
  private final long maxBodyBytes;
  private final Sojourn sojourn;
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong bodyBytes = new AtomicLong();
  private volatile Runnable onEmpty = () -> {};

  /**
   * @param minRetrySeconds the least that a refused client is told to wait
   */
  AdmissionGate(int maxRequests, long maxBodyBytes, int minRetrySeconds) {
    this.maxRequests = maxRequests;
    this.maxBodyBytes = maxBodyBytes;
    this.sojourn = new Sojourn(minRetrySeconds);
  }

  /** A place for one request. */
  Permit enter() {
    if (requests.incrementAndGet() > maxRequests) {
      leave();
      throw ApiException.overloaded(
          "the node works on %d requests already, its limit, try again in %d s"
              .formatted(maxRequests, retryAfterSeconds()));
    }
    long enteredNs = System.nanoTime();
    return new Permit(
        () -> {
          sojourn.ended(System.nanoTime() - enteredNs);
          leave();
        });
  }

  private void leave() {
    if (requests.decrementAndGet() == 0) {
      onEmpty.run();
    }
  }

  /** Room for a body of up to {@code lengthBytes}. */
  Permit reserveBody(long lengthBytes) {
    if (bodyBytes.addAndGet(lengthBytes) > maxBodyBytes) {
      bodyBytes.addAndGet(-lengthBytes);
      throw ApiException.overloaded(
          "request bodies of %d bytes are being read, the limit for all together, try again in %d s"
              .formatted(maxBodyBytes, retryAfterSeconds()));
    }
    return new Permit(() -> bodyBytes.addAndGet(-lengthBytes));
  }

  /** When whoever is refused now may come back. */
  int retryAfterSeconds() {
    return sojourn.retryAfterSeconds();
  }

  long requests() {
    return requests.get();
  }

  /** Runs {@code next} whenever no request is in progress, and now if that is so. */
  void onEmpty(Runnable next) {
    onEmpty = next;
    if (requests.get() == 0) {
      next.run();
    }
  }

  /** What was taken; given back once. */
  static final class Permit {
    private final Runnable giveBack;
    private final AtomicBoolean released = new AtomicBoolean();

    private Permit(Runnable giveBack) {
      this.giveBack = giveBack;
    }

    void release() {
      if (released.compareAndSet(false, true)) {
        giveBack.run();
      }
    }
  }
}
