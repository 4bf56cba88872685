package io.kvasir.actors.api;

/** The model could not be loaded; the message is one sentence with the remedy. */
public final class ModelLoadException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ModelLoadException(String message) {
    super(message);
  }
}
