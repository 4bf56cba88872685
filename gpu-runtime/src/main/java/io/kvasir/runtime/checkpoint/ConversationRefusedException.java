package io.kvasir.runtime.checkpoint;

/**
 * A conversation that the model's chat template refuses, for instance roles that do not alternate.
 * The message is the template's own; the caller should change the conversation.
 */
public final class ConversationRefusedException extends CheckpointException {
  private static final long serialVersionUID = 1L;

  ConversationRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
