package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.access.AccessRefusedException;
import io.kvasir.actors.gpu.OrderRefusedException;

/** A request that ends with an OpenAI-shaped error. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String type;
  private final String param;
  private final String code;
  private final boolean retryable;
  private final int retryAfterSeconds;

  private ApiException(
      int status,
      String type,
      String param,
      String code,
      boolean retryable,
      int retryAfterSeconds,
      String message) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryable = retryable;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** 400; {@code param} may be null. */
  static ApiException invalid(String param, String code, String message) {
    return refused(400, param, code, message);
  }

  /** 400 for a value of the wrong type or range. */
  static ApiException invalidValue(String param, String message) {
    return invalid(param, "invalid_value", message);
  }

  /** 404, 405, 408, 413: the request as such is refused. */
  static ApiException refused(int status, String param, String code, String message) {
    return new ApiException(status, "invalid_request_error", param, code, false, 0, message);
  }

  /** 429. */
  static ApiException overloaded(String message) {
    return new ApiException(429, "rate_limit_error", null, "overloaded", true, 0, message);
  }

  /** 400, 401, 403 or 429: the tenant may not, or not now. */
  static ApiException of(AccessRefusedException refused) {
    int status = refused.reason().status();
    String message = refused.getMessage();
    return switch (refused.reason()) {
      case KEY -> refused(status, null, "invalid_api_key", message);
      case MODEL -> refused(status, "model", "model_not_allowed", message);
      case SIZE -> refused(status, "max_tokens", "request_too_large", message);
      case REQUESTS -> limited("requests", refused);
      case TOKENS -> limited("tokens", refused);
    };
  }

  /** 400, 429, 500 or 503: nobody takes the order. */
  static ApiException of(OrderRefusedException refused) {
    String message = refused.getMessage();
    return switch (refused.code()) {
      case QUEUE_FULL -> overloaded(message);
      case CONTEXT_OVERFLOW -> invalid(null, "context_length_exceeded", message);
      case INVALID -> invalid(null, "invalid_value", message);
      case GRAMMAR -> invalid(null, "invalid_grammar", message);
      case CLOSED -> failed(500, "engine_closed", message);
      case LOADING -> unavailable("model_loading", message);
      case MODEL_FAILED -> failed(500, "model_failed", message);
      case NO_NODE -> unavailable("no_node", message);
      case DRAINING -> unavailable("draining", message);
    };
  }

  private static ApiException limited(String what, AccessRefusedException refused) {
    return new ApiException(
        refused.reason().status(),
        what,
        null,
        "rate_limit_exceeded",
        true,
        refused.retryAfterSeconds(),
        refused.getMessage());
  }

  /** 503. */
  static ApiException unavailable(String code, String message) {
    return new ApiException(503, "server_error", null, code, true, 0, message);
  }

  /** 500, 504. */
  static ApiException failed(int status, String code, String message) {
    return new ApiException(status, "server_error", null, code, false, 0, message);
  }

  int status() {
    return status;
  }

  String code() {
    return code;
  }

  boolean retryable() {
    return retryable;
  }

  /** When a retry may pass; 0 = not known for this request. */
  int retryAfterSeconds() {
    return retryAfterSeconds;
  }

  /** The body. */
  ErrorBody body() {
    return new ErrorBody(new ErrorDetail(getMessage(), type, param, code));
  }

  /** {@code {"error": …}}. */
  record ErrorBody(ErrorDetail error) {}

  /** All four fields are always present, as clients expect. */
  record ErrorDetail(String message, String type, String param, String code) {}
}
