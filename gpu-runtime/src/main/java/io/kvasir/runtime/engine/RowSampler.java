package io.kvasir.runtime.engine;

import io.kvasir.runtime.model.StepExecutor;
import io.kvasir.runtime.model.WorkItem;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Takes the logits of a step, and the hidden states of inputs to be embedded: delivers asked-for
 * prompt rows and draws the next token of each request whose last row came. The last row of a
 * prompt with several choices gives the first token of each of them. Log-probabilities are measured
 * on the model's own logits, before anything changes them. Engine thread; allocates only for prompt
 * rows.
 */
final class RowSampler implements StepExecutor.LogitConsumer {
  private final Map<WorkItem, ActiveRequest> owners = new IdentityHashMap<>();
  private final Sampler sampler;
  private final LogprobRow measured = new LogprobRow();
  private final int vocabSize;
  private final int hiddenSize;

  /** A row that adjusters may change while the model's own is still needed. */
  private final float[] changed;

  RowSampler(int vocabSize, int hiddenSize) {
    this.hiddenSize = hiddenSize;
    this.vocabSize = vocabSize;
    this.sampler = new Sampler(vocabSize);
    this.changed = new float[vocabSize];
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
      deliver(r, position, logits, offset);
    }
    if (position + 1 != r.end()) {
      return;
    }
    if (r.request.sampling().measures()) {
      TokenLogprobs kept = r.stream.logprobs();
      measured.measure(logits, offset, vocabSize, kept == null ? 0 : kept.topCount());
    }
    if (r.group.forked) {
      draw(r, logits, offset);
      return;
    }
    for (ActiveRequest choice : r.group.choices) {
      // One that was resumed draws when it has computed the tokens it was given.
      if (choice.finish == null && !choice.cancelled && choice.length() == position + 1) {
        draw(choice, logits, offset);
      }
    }
  }

  @Override
  public void acceptState(WorkItem item, int ordinal, float[] states, int offset) {
    owners.get(item).stream.pooled().add(item.index(ordinal), states, offset, hiddenSize);
  }

  /** A row of the prompt as somebody asked for it. */
  private void deliver(ActiveRequest r, int position, float[] logits, int offset) {
    int wanted = r.request.promptLogitRows().indexOf(position);
    if (wanted >= 0) {
      float[] row = Arrays.copyOfRange(logits, offset, offset + vocabSize);
      r.stream.publishPromptLogits(wanted, row);
    }
    TokenLogprobs kept = r.stream.promptLogprobs();
    if (kept != null && position + 1 < r.promptLength) {
      measured.measure(logits, offset, vocabSize, kept.topCount());
      measured.store(kept, position + 1, logits[offset + r.token(position + 1)]);
    }
  }

  private void draw(ActiveRequest r, float[] logits, int offset) {
    SamplingParameters s = r.request.sampling();
    float[] row = logits;
    int at = offset;
    if (!r.adjusters.isEmpty()) {
      if (s.measures() || !r.group.forked) {
        System.arraycopy(logits, offset, changed, 0, vocabSize);
        row = changed;
        at = 0;
      }
      for (int i = 0; i < r.adjusters.size(); i++) {
        r.adjusters.get(i).adjust(row, at, vocabSize, r);
      }
    }
    r.sampled = sampler.sample(row, at, vocabSize, s, r.seed, r.length());
    if (s.measures()) {
      float logit = logits[offset + r.sampled];
      r.sampledLogprob = measured.of(logit);
      if (r.stream.logprobs() != null) {
        measured.store(r.stream.logprobs(), r.generated(), logit);
      }
    }
  }
}
