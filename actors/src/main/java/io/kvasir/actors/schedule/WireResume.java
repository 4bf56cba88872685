package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.ResumedChoice;

/** {@link ResumedChoice} as it travels; the array belongs to it. */
record WireResume(int[] tokens, double logprobSum, int measuredTokens, FinishReason ended) {
  WireResume {
    tokens = tokens == null ? new int[0] : tokens;
  }

  ResumedChoice resumed() {
    return new ResumedChoice(tokens, logprobSum, measuredTokens, ended);
  }
}
