package io.kvasir.actors.gpu;

/** An order that nobody took; the message is one sentence for the client. */
public final class OrderRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Code {
    /** Every place is taken. */
    QUEUE_FULL,
    /** Longer than the context. */
    CONTEXT_OVERFLOW,
    /** A value that the engine does not take. */
    INVALID,
    /** A grammar that cannot be compiled. */
    GRAMMAR,
    /** The engine has been closed. */
    CLOSED,
    /** The model is still being loaded. */
    LOADING,
    /** The model could not be loaded. */
    MODEL_FAILED,
    /** No reachable node computes for this model. */
    NO_NODE,
    /** The node ends and takes nothing new. */
    DRAINING
  }

  private final Code code;

  public OrderRefusedException(Code code, String sentence) {
    super(sentence, null, false, false);
    this.code = code;
  }

  public Code code() {
    return code;
  }

  /** Whether another node may take the same order. */
  public boolean elsewhere() {
    return switch (code) {
      case QUEUE_FULL, CLOSED, LOADING, MODEL_FAILED, NO_NODE, DRAINING -> true;
      case CONTEXT_OVERFLOW, INVALID, GRAMMAR -> false;
    };
  }
}
