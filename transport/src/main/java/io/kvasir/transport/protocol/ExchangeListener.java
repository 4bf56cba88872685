package io.kvasir.transport.protocol;

/** Effects of a group's exchanges. Called on the agent. */
public interface ExchangeListener {
  /** Contributions of all ranks to operation {@code sequence} can be read until it returns. */
  void onComplete(Exchange exchange, long sequence);

  /** The operation failed with a verdict code, and so will all later ones of this formation. */
  void onFailed(Exchange exchange, long sequence, int code);
}
