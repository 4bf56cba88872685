package io.kvasir.node.chat;

/** A request that failed; the message is the server's own sentence where it gave one. */
public final class ChatException extends Exception {
  private static final long serialVersionUID = 1;

  ChatException(String message) {
    super(message);
  }

  ChatException(String message, Throwable cause) {
    super(message, cause);
  }
}
