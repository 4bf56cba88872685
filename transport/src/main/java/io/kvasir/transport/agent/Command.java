package io.kvasir.transport.agent;

import io.kvasir.transport.Refusal;

/** What a caller wants done on the agent. */
interface Command {
  /** Does it; on the agent. */
  void run(long nowNs);

  /** Answers that it will not be done; any thread. */
  void reject(Refusal reason);

  /** Whether frames may follow, so that the agent should look often for a while. */
  default boolean expectsFrames() {
    return true;
  }
}
