package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.actors.settings.GatewaySettings;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.scaladsl.model.EntityStreamException;
import org.apache.pekko.http.scaladsl.model.EntityStreamSizeException;
import org.apache.pekko.stream.javadsl.Sink;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Failures as responses, and what happens to the body of a refused request. Any thread. */
final class Refusals {
  private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);
  // A body of this size costs less to take than a client that loses its connection to a refusal.
  static final long SMALL_BODY_BYTES = 128 * 1024;

  private final ActorSystem<?> system;
  private final GatewaySettings settings;
  private final AdmissionGate gate;
  private final Drain drain;

  Refusals(ActorSystem<?> system, GatewaySettings settings, AdmissionGate gate, Drain drain) {
    this.system = system;
    this.settings = settings;
    this.gate = gate;
    this.drain = drain;
  }

  /**
   * Refuses a request whose body nobody has read, which costs the reading of a small body or of
   * none: a large one is answered at once, and its connection closed.
   */
  CompletionStage<HttpResponse> beforeBody(HttpRequest request, ApiException refused) {
    if (request.entity().isStrict() || request.getHeader("expect").isPresent()) {
      return CompletableFuture.failedFuture(refused);
    }
    CompletionStage<?> read =
        request
            .entity()
            .withSizeLimit(2 * settings.maxBodyBytes())
            .getDataBytes()
            .completionTimeout(settings.bodyTimeout())
            .runWith(Sink.ignore(), system);
    boolean small =
        request.entity().getContentLengthOption().orElse(Long.MAX_VALUE) <= SMALL_BODY_BYTES;
    return small
        ? read.handle((done, failure) -> null)
            .thenCompose(nothing -> CompletableFuture.failedFuture(refused))
        : CompletableFuture.failedFuture(refused);
  }

  ApiException tooLarge() {
    return ApiException.refused(
        413,
        null,
        "body_too_large",
        "the body exceeds %d bytes, send less or raise kvasir.actors.gateway.max-body"
            .formatted(settings.maxBodyBytes()));
  }

  /** Whatever went wrong, in the API's terms. */
  ApiException error(Throwable thrown) {
    Throwable cause =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    ApiException error =
        switch (cause) {
          case ApiException own -> own;
          case OrderRefusedException order -> ApiException.of(order);
          case EntityStreamSizeException tooLarge -> tooLarge();
          case EntityStreamException truncated ->
              ApiException.refused(
                  400, null, "truncated_body", "the body ended before its length, send all of it");
          case TimeoutException late ->
              ApiException.unavailable(
                  "device_busy",
                  "the device did not answer within %d ms, try again"
                      .formatted(settings.askTimeout().toMillis()));
          default -> {
            LOG.error("request failed", cause);
            yield ApiException.failed(
                500, "internal_error", "the node failed this request, see its log");
          }
        };
    // An engine that goes away under a stopping node has not failed.
    return drain.begun() && error.status() == 500 ? Drain.refusal() : error;
  }

  HttpResponse response(ApiException error) {
    HttpResponse response =
        HttpResponse.create()
            .withStatus(error.status())
            .withEntity(ContentTypes.APPLICATION_JSON, Json.write(error.body()));
    if (error.retryable()) {
      response = retryAfter(response, seconds(error));
    }
    if (error.status() == 401) {
      response = response.addHeader(RawHeader.create("WWW-Authenticate", "Bearer"));
    }
    return drain.begun() ? response.addHeader(Connection.create("close")) : response;
  }

  private long seconds(ApiException error) {
    if (error.retryAfterSeconds() > 0) {
      return error.retryAfterSeconds();
    }
    return error.status() == 429 ? gate.retryAfterSeconds() : settings.retryAfter().toSeconds();
  }

  HttpResponse retryAfter(HttpResponse response, long seconds) {
    return response.addHeader(RawHeader.create("Retry-After", Long.toString(seconds)));
  }
}
