package io.kvasir.runtime.engine;

import io.kvasir.runtime.model.StepExecutor;
import io.kvasir.runtime.model.WorkItem;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Takes the logits of a step: delivers asked-for prompt rows and draws the next token of each
 * request whose last row came. Engine thread; allocates only for prompt rows.
 */
final class RowSampler implements StepExecutor.LogitConsumer {
  private final Map<WorkItem, ActiveRequest> owners = new IdentityHashMap<>();
  private final Sampler sampler;
  private final int vocabSize;

  RowSampler(int vocabSize) {
    this.vocabSize = vocabSize;
    this.sampler = new Sampler(vocabSize);
  }

  /** A new step: forgets the owners of the last one. */
  void begin() {
    owners.clear();
  }

  /** Logits of {@code item} belong to {@code request}; its draw is left in {@code sampled}. */
  void expect(WorkItem item, ActiveRequest request) {
    owners.put(item, request);
  }

  @Override
  public void accept(WorkItem item, int ordinal, float[] logits, int offset) {
    ActiveRequest r = owners.get(item);
    int position = item.index(ordinal);
    if (!r.promptLogitsDone && position < r.promptLength) {
      int wanted = r.request.promptLogitRows().indexOf(position);
      if (wanted >= 0) {
        float[] row = Arrays.copyOfRange(logits, offset, offset + vocabSize);
        r.request.stream().publishPromptLogits(wanted, row);
      }
    }
    if (position + 1 != r.length()) {
      return;
    }
    for (int i = 0; i < r.adjusters.size(); i++) {
      r.adjusters.get(i).adjust(logits, offset, vocabSize, r);
    }
    SamplingParameters s = r.request.sampling();
    r.sampled = sampler.sample(logits, offset, vocabSize, s, r.seed, position + 1L);
  }
}
