package io.kvasir.actors.gateway;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what the gateway holds at once: requests in progress and bytes of bodies. Safe from any
 * thread; never waits.
 */
final class AdmissionGate {
  private final int maxRequests;
  private final long maxBodyBytes;
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong bodyBytes = new AtomicLong();

  AdmissionGate(int maxRequests, long maxBodyBytes) {
    this.maxRequests = maxRequests;
    this.maxBodyBytes = maxBodyBytes;
  }

  /** A place for one request. */
  Permit enter() {
    if (requests.incrementAndGet() > maxRequests) {
      requests.decrementAndGet();
      throw ApiException.overloaded(
          "the node already works on %d requests, try again later".formatted(maxRequests));
    }
    return new Permit(requests, 1);
  }

  /** Room for a body of up to {@code lengthBytes}. */
  Permit reserveBody(long lengthBytes) {
    if (bodyBytes.addAndGet(lengthBytes) > maxBodyBytes) {
      bodyBytes.addAndGet(-lengthBytes);
      throw ApiException.overloaded(
          "request bodies of %d bytes are being read, the limit for all together, try again later"
              .formatted(maxBodyBytes));
    }
    return new Permit(bodyBytes, lengthBytes);
  }

  long requests() {
    return requests.get();
  }

  /** What was taken; given back once. */
  static final class Permit {
    private final AtomicLong from;
    private final long amount;
    private final AtomicBoolean released = new AtomicBoolean();

    private Permit(AtomicLong from, long amount) {
      this.from = from;
      this.amount = amount;
    }

    void release() {
      if (released.compareAndSet(false, true)) {
        from.addAndGet(-amount);
      }
    }
  }
}
