package io.kvasir.actors.gateway;

/** A request that ends with an OpenAI-shaped error. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String type;
  private final String param;
  private final String code;
  private final boolean retryable;

  private ApiException(
      int status, String type, String param, String code, boolean retryable, String message) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryable = retryable;
  }

  /** 400; {@code param} may be null. */
  static ApiException invalid(String param, String code, String message) {
    return new ApiException(400, "invalid_request_error", param, code, false, message);
  }

  /** 400 for a value of the wrong type or range. */
  static ApiException invalidValue(String param, String message) {
    return invalid(param, "invalid_value", message);
  }

  /** 404, 405, 408, 413: the request as such is refused. */
  static ApiException refused(int status, String param, String code, String message) {
    return new ApiException(status, "invalid_request_error", param, code, false, message);
  }

  /** 429. */
  static ApiException overloaded(String message) {
    return new ApiException(429, "rate_limit_error", null, "overloaded", true, message);
  }

  /** 503. */
  static ApiException unavailable(String code, String message) {
    return new ApiException(503, "server_error", null, code, true, message);
  }

  /** 500, 504. */
  static ApiException failed(int status, String code, String message) {
    return new ApiException(status, "server_error", null, code, false, message);
  }

  int status() {
    return status;
  }

  boolean retryable() {
    return retryable;
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
