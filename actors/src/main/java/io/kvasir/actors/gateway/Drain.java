package io.kvasir.actors.gateway;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;

/** The node's way out: nothing new is taken, and someone waits for the last to end. Any thread. */
final class Drain {
  private final AdmissionGate gate;
  private volatile boolean begun;

  Drain(AdmissionGate gate) {
    this.gate = gate;
  }

  /** Turns new requests away from now on. */
  void begin() {
    begun = true;
  }

  boolean begun() {
    return begun;
  }

  /** Completes when no request is in progress, or after {@code limit}; never fails. */
  CompletionStage<Done> await(Duration limit) {
    CompletableFuture<Done> empty = new CompletableFuture<>();
    gate.onEmpty(() -> empty.complete(Done.getInstance()));
    return empty.completeOnTimeout(
        Done.getInstance(), Math.max(1, limit.toMillis()), TimeUnit.MILLISECONDS);
  }

  /** What a client is told meanwhile. */
  static ApiException refusal() {
    return ApiException.unavailable(
        "draining", "the node is stopping and takes no new requests, use another node");
  }
}
