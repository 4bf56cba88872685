package io.kvasir.runtime.engine;

/** Why a generation ended. */
public enum FinishReason {
  /** A stop id, a stop string or the model's end-of-sequence token. */
  STOP,
  /** max_tokens or the context length was reached. */
  LENGTH,
  CANCELLED,
  DEADLINE,
  /** The engine failed this request; {@link TokenStream#failure()} says why. */
  ERROR
}
