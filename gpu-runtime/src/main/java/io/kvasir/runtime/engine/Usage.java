package io.kvasir.runtime.engine;

import java.util.List;

/**
 * Where the tokens of a choice came from (law 4): {@code promptTokens = deviceHitTokens +
 * recomputedTokens}. The first choice computes the prompt; the others share its pages, so their
 * whole prompt is a device hit.
 *
 * @param rowLayersComputed rows × layers run for this choice, replays after preemption included
 * @param preemptions how often its cache was given up and recomputed
 * @param queuedNs from submission to admission
 * @param firstTokenNs from submission to the first token; −1 if there was none
 * @param totalNs from submission to the end
 */
public record Usage(
    int promptTokens,
    int deviceHitTokens,
    int recomputedTokens,
    int generatedTokens,
    long rowLayersComputed,
    int preemptions,
    long queuedNs,
    long firstTokenNs,
    long totalNs) {

  /**
   * The whole request: the prompt counts once, as the first choice found it; what was generated and
   * computed adds up; times reach from the submission to the first token of any and the end of all.
   *
   * @param choices of all choices, in their order
   */
  public static Usage ofRequest(List<Usage> choices) {
    Usage first = choices.getFirst();
    int generated = 0;
    long rowLayers = 0;
    int preemptions = 0;
    long firstToken = -1;
    long total = 0;
    for (Usage u : choices) {
      generated += u.generatedTokens;
      rowLayers += u.rowLayersComputed;
      preemptions += u.preemptions;
      if (u.firstTokenNs >= 0) {
        firstToken = firstToken < 0 ? u.firstTokenNs : Math.min(firstToken, u.firstTokenNs);
      }
      total = Math.max(total, u.totalNs);
    }
    return new Usage(
        first.promptTokens,
        first.deviceHitTokens,
        first.recomputedTokens,
        generated,
        rowLayers,
        preemptions,
        first.queuedNs,
        firstToken,
        total);
  }
}
