package io.kvasir.actors.settings;

/** A setting cannot be used; the message is one sentence naming key, value, bound and remedy. */
public final class ConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A refusal with its sentence. */
  public ConfigurationException(String message) {
    super(message);
  }
}
