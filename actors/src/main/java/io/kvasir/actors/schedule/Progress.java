package io.kvasir.actors.schedule;

import io.kvasir.actors.schedule.GenerationReply.OfAttempt;
import java.util.List;

/**
 * How far the answer to one request has come, whichever attempts it came from. Takes each piece
 * once, in order; whoever reads the answer sees nothing of attempts. One thread.
 */
interface Progress {
  /** What became of a message. */
  sealed interface Taken permits Fine, Missing, Lost {}

  /** Taken, or known already. */
  record Fine() implements Taken {
    static final Fine FINE = new Fine();
  }

  /**
   * Something before it has not come.
   *
   * @param choice −1 = the prompt's log-probabilities
   * @param first index of what is missing
   */
  record Missing(int choice, int first) implements Taken {}

  /** The node has given the attempt up, or sends what cannot be: it is over. */
  record Lost() implements Taken {
    static final Lost LOST = new Lost();
  }

  /** Takes a message of the present attempt. */
  Taken take(OfAttempt message, long nowNs);

  /** Where the next attempt goes on; empty = at the beginning. */
  List<WireResume> resume();

  /** Tokens of the answer that {@link #resume} makes a node place again. */
  int resumedTokens();

  /** Nobody waits for a choice any more: its end will be CANCELLED. */
  void cancelled(int choice);

  /** Whether everything has come. */
  boolean complete();

  /**
   * Ends what has not ended, with CANCELLED.
   *
   * @param sentence for the client; null when the client itself wanted it
   */
  void abandon(String sentence, long nowNs);
}
