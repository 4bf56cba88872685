package io.kvasir.runtime.engine;

import java.util.List;

/**
 * Where the tokens of a choice came from. The prompt's sources add up to the prompt (law 4), which
 * the constructor asserts. The first choice computes the prompt; the others share its pages, so
 * their whole prompt is a device hit.
 *
 * @param generatedTokens tokens of the answer, those given by a resumed request among them
 * @param replayedTokens of these, the ones that another engine had delivered before
 * @param rowLayersComputed rows × layers run for this choice, replays after preemption included
 * @param preemptions how often its cache was given up and recomputed
 * @param queuedNs from submission to admission
 * @param firstTokenNs from submission to the first token that is not replayed; −1 if there was none
 * @param totalNs from submission to the end
 */
public record Usage(
    int promptTokens,
    PromptSources sources,
    int generatedTokens,
    int replayedTokens,
    long rowLayersComputed,
    int preemptions,
    long queuedNs,
    long firstTokenNs,
    long totalNs) {
  public Usage {
    if (sources.total() != promptTokens) {
      throw new IllegalArgumentException(
          sources
              + " are "
              + sources.total()
              + " tokens and must be prompt tokens="
              + promptTokens);
    }
    if (replayedTokens < 0 || replayedTokens > generatedTokens) {
      throw new IllegalArgumentException(
          "replayed tokens="
              + replayedTokens
              + " must be between 0 and generated tokens="
              + generatedTokens);
    }
  }

  /** Prompt tokens that were in the device's own cache. */
  public int deviceHitTokens() {
    return sources.device();
  }

  /** Prompt tokens that were run through the model. */
  public int recomputedTokens() {
    return sources.recomputed();
  }

  /**
   * The whole request: the prompt counts once, as the choice that computed it found it; what was
   * generated and computed adds up; times reach from the submission to the first token of any and
   * the end of all.
   *
   * @param choices of all choices, in their order
   */
  public static Usage ofRequest(List<Usage> choices) {
    Usage first = choices.getFirst();
    int generated = 0;
    int replayed = 0;
    long rowLayers = 0;
    int preemptions = 0;
    long firstToken = -1;
    long total = 0;
    for (Usage u : choices) {
      generated += u.generatedTokens;
      replayed += u.replayedTokens;
      rowLayers += u.rowLayersComputed;
      preemptions += u.preemptions;
      if (u.firstTokenNs >= 0) {
        firstToken = firstToken < 0 ? u.firstTokenNs : Math.min(firstToken, u.firstTokenNs);
      }
      total = Math.max(total, u.totalNs);
    }
    return new Usage(
        first.promptTokens,
        first.sources,
        generated,
        replayed,
        rowLayers,
        preemptions,
        first.queuedNs,
        firstToken,
        total);
  }
}
