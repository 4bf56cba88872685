package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The accounting of a request that may have several prompts with several choices each. */
final class RequestUsage {
  private RequestUsage() {}

  /**
   * Every prompt counts once, however many choices it has; the times reach from the first to be
   * admitted to the last to end.
   *
   * @param choices of all generations, in their order
   */
  static Usage of(List<Generation> generations, Usage[] choices) {
    List<Usage> prompts = new ArrayList<>(generations.size());
    int first = 0;
    for (Generation generation : generations) {
      int end = first + generation.choiceCount();
      prompts.add(Usage.ofRequest(Arrays.asList(choices).subList(first, end)));
      first = end;
    }
    return prompts.size() == 1 ? prompts.getFirst() : sum(prompts);
  }

  private static Usage sum(List<Usage> prompts) {
    Usage whole = Usage.ofRequest(prompts);
    return new Usage(
        prompts.stream().mapToInt(Usage::promptTokens).sum(),
        prompts.stream().map(Usage::sources).reduce(PromptSources.NONE, PromptSources::plus),
        whole.generatedTokens(),
        whole.replayedTokens(),
        whole.rowLayersComputed(),
        whole.preemptions(),
        prompts.stream().mapToLong(Usage::queuedNs).min().orElse(0),
        whole.firstTokenNs(),
        whole.totalNs());
  }
}
