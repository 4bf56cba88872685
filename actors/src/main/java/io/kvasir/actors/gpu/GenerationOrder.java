package io.kvasir.actors.gpu;

import io.kvasir.actors.directory.Holdings;
import io.kvasir.runtime.engine.ResumedChoice;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.time.Duration;
import java.util.List;

/**
 * What a client wants generated, before a device has taken it: one prompt, and best_of answers.
 *
 * @param tenant scheduling class and salt of its block keys
 * @param promptTokens at least one token; handed over, not to be written afterwards
 * @param sampling how tokens are drawn and when it ends
 * @param timeout time from admission after which the engine ends it
 * @param grammar that every choice keeps to, compiled where it is computed; null = anything
 * @param resume where each choice stands after an earlier attempt; empty for a new order
 * @param session whose conversation it goes on with, a wish about where; null = nobody's
 * @param explained whether decisions on its way are to be told in sentences
 * @param directions past the rules that decide where it goes and what is loaded
 * @param holdings who else holds its blocks, as its gateway has just found; null = not known
 */
public record GenerationOrder(
    String tenant,
    int[] promptTokens,
    SamplingParameters sampling,
    Duration timeout,
    GrammarSpec grammar,
    List<ResumedChoice> resume,
    String session,
    boolean explained,
    Directions directions,
    Holdings holdings) {
  public GenerationOrder {
    resume = List.copyOf(resume);
    if (!resume.isEmpty() && resume.size() != sampling.bestOf()) {
      throw new IllegalArgumentException(
          "resume=" + resume.size() + " must be best_of=" + sampling.bestOf() + ", one a choice");
    }
  }

  /** An order of whose blocks nobody has asked yet. */
  public GenerationOrder(
      String tenant,
      int[] promptTokens,
      SamplingParameters sampling,
      Duration timeout,
      GrammarSpec grammar,
      List<ResumedChoice> resume,
      String session,
      boolean explained,
      Directions directions) {
    this(
        tenant,
        promptTokens,
        sampling,
        timeout,
        grammar,
        resume,
        session,
        explained,
        directions,
        null);
  }

  /** A new order of nobody's conversation. */
  public GenerationOrder(
      String tenant, int[] promptTokens, SamplingParameters sampling, Duration timeout) {
    this(tenant, promptTokens, sampling, timeout, null, List.of(), null, false, Directions.NONE);
  }
}
