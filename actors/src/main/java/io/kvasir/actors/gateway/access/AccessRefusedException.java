package io.kvasir.actors.gateway.access;

import java.util.Locale;

/** A tenant may not do this, or not now. The message is one sentence for the client. */
public final class AccessRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why, in the terms of HTTP. */
  public enum Reason {
    /** 401: no key, or one that is not known. */
    KEY(401),
    /** 403: the model is not among the tenant's. */
    MODEL(403),
    /** 400: this request can never pass the tenant's bounds. */
    SIZE(400),
    /** 429: too many requests at once, or in the last minute. */
    REQUESTS(429),
    /** 429: too many tokens in the last minute. */
    TOKENS(429);

    private final int status;

    Reason(int status) {
      this.status = status;
    }

    /** The HTTP status. */
    public int status() {
      return status;
    }
  }

  private final Reason reason;
  private final int retryAfterSeconds;

  AccessRefusedException(Reason reason, String message) {
    this(reason, 0, message);
  }

  AccessRefusedException(Reason reason, int retryAfterSeconds, String message) {
    super(message, null, false, false);
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }

  /** Why, as a label. */
  public String word() {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  /** When the same request may pass; 0 = never, or not foreseeable. */
  public int retryAfterSeconds() {
    return retryAfterSeconds;
  }
}
