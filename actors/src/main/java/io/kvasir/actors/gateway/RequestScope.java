package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.AdmissionGate.Permit;
import io.kvasir.actors.gateway.access.AccessRefusedException;
import io.kvasir.actors.gateway.access.Admission;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.observe.RequestLog;
import io.kvasir.actors.observe.RequestTimer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One admitted completion from arrival to end: whose it is, what it holds of node and tenant, what
 * became of it. Safe from any thread; ended once, further ends do nothing.
 */
final class RequestScope {
  private final Admission admission;
  private final Permit place;
  private final NodeMetrics metrics;
  private final RequestTimer timer;
  private final RequestLog log;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile String model = "";

  /**
   * @param place in the node
   * @param admission place in the tenant
   */
  RequestScope(String requestId, Permit place, Admission admission, NodeMetrics metrics) {
    this.place = place;
    this.admission = admission;
    this.metrics = metrics;
    this.timer = metrics.startRequest();
    this.log = new RequestLog(requestId);
  }

  /** Scheduling class and salt of the request's block keys. */
  String tenant() {
    return admission.tenant().name();
  }

  RequestTimer timer() {
    return timer;
  }

  /**
   * Names the model, which is one that is served.
   *
   * @param asked its id or the alias that the client used: a tenant may be given either
   * @throws ApiException 403 when the tenant may not use it
   */
  void model(String served, String asked) {
    try {
      if (!admission.tenant().mayUse(served)) {
        admission.tenant().checkModel(asked);
      }
    } catch (AccessRefusedException refused) {
      metrics.denied(tenant(), refused.word());
      throw ApiException.of(refused);
    }
    model = served;
    metrics.assign(timer, served);
  }

  /** The longest prompt and answer together. */
  int contextTokens(int modelTokens) {
    return admission.tenant().contextTokens(modelTokens);
  }

  /**
   * Takes the tokens that the request may cost from the tenant's minute; what it does not use is
   * given back at its end. Called once, before the engine is asked.
   *
   * @param maxTokens of all answers together
   * @throws ApiException 429, or 400 when the tenant's minute is smaller than the request
   */
  void takeTokens(int promptTokens, long maxTokens) {
    try {
      admission.takeTokens(promptTokens + maxTokens);
    } catch (AccessRefusedException refused) {
      metrics.denied(tenant(), refused.word());
      throw ApiException.of(refused);
    }
  }

  /** The answer is complete. */
  void end() {
    end("ok", 200);
  }

  /** The request failed. */
  void failed(ApiException error) {
    end(error.code(), error.status());
  }

  /** The client left, or does not read; {@code cause} is a fixed word. */
  void abandoned(String cause) {
    // 499 as proxies log it: nobody was there to be answered.
    end(cause, 499);
  }

  private void end(String outcome, int status) {
    if (!ended.compareAndSet(false, true)) {
      return;
    }
    place.release();
    admission.end(timer.usedTokens());
    metrics.ended(tenant(), timer);
    log.end(tenant(), model, outcome(outcome), status, timer);
  }

  private String outcome(String word) {
    return word.equals("ok") && timer.reason() != null
        ? timer.reason().name().toLowerCase(java.util.Locale.ROOT)
        : word;
  }
}
