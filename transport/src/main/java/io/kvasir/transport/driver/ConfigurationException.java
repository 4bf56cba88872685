package io.kvasir.transport.driver;

/** A setting or this machine cannot carry it; the message names value, bound and remedy. */
public final class ConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A refusal with its sentence. */
  public ConfigurationException(String message) {
    super(message);
  }

  /** A refusal with its sentence and what lies under it. */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}
