package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.StepExecutor;
import io.kvasir.runtime.model.WorkItem;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Steps of the shapes that serving uses, run before the first request, because a JVM computes its
 * first prefill several times slower than later ones: the compiler has not been at the kernels yet.
 * Ends when rounds stop getting faster, or at its bound. Values do not depend on it (law 1).
 *
 * <p>Works on a scratch sequence that publishes no block, so that nothing of it can be hit. On the
 * engine's thread, before the loop.
 */
final class WarmUp {
  private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);
  private static final int DECODE_STEPS = 4;
  private static final int FIRST_PREFILL_ROWS = 16;

  /**
   * A window whose best round gains less than this on the windows before it ends the warm-up. It is
   * long enough for compilations that its first rounds asked for to show in its last.
   */
  private static final double SETTLED = 0.97;

  private static final long WINDOW_NS = 100_000_000;
  private static final int WINDOW_ROUNDS = 4;

  private final DecoderModel model;
  private final KvCache cache;
  private final StepExecutor executor;
  private final EngineOptions options;
  private final Sampler sampler;
  private final SamplingParameters sampling =
      SamplingParameters.builder().topP(0.95f).topK(40).build();
  private final int[] tokens;

  WarmUp(DecoderModel model, KvCache cache, StepExecutor executor, EngineOptions options) {
    this.model = model;
    this.cache = cache;
    this.executor = executor;
    this.options = options;
    this.sampler = new Sampler(model.vocabSize());
    this.tokens = new int[options.stepRows() + DECODE_STEPS];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = (int) ((i * 2654435761L >>> 7) % model.vocabSize());
    }
  }

  /** Runs for {@link EngineOptions#warmUpNs} at most, but for the round then in progress. */
  void run() {
    long start = System.nanoTime();
    long bound = options.warmUpNs();
    int most = Math.min(options.stepRows(), longestPrefill());
    int rows = Math.min(FIRST_PREFILL_ROWS, most);
    long best = Long.MAX_VALUE;
    long windowStart = start;
    long windowBest = Long.MAX_VALUE;
    int windowRounds = 0;
    int rounds = 0;
    long first = 0;
    long last = 0;
    // A round that would pass the bound is not begun.
    for (long now = start; now - start + last < bound && round(rows); rounds++) {
      long end = System.nanoTime();
      last = end - now;
      now = end;
      first = rounds == 0 ? last : first;
      windowBest = Math.min(windowBest, last);
      windowRounds++;
      if (rows < most && now - start + 2 * last < bound) {
        rows = Math.min(2 * rows, most);
        windowRounds = 0;
      }
      if (windowRounds == 0) {
        windowBest = Long.MAX_VALUE;
        windowStart = now;
      } else if (windowRounds >= WINDOW_ROUNDS && now - windowStart >= WINDOW_NS) {
        if (windowBest > SETTLED * best) {
          break;
        }
        best = Math.min(best, windowBest);
        windowBest = Long.MAX_VALUE;
        windowStart = now;
        windowRounds = 0;
      }
    }
    LOG.info(
        "warmed up in {} ms: {} rounds of up to {} prefill rows and {} decode steps, the first took"
            + " {} us, the last {} us",
        (System.nanoTime() - start) / 1_000_000,
        rounds,
        rows,
        DECODE_STEPS,
        first / 1000,
        last / 1000);
  }

  private int longestPrefill() {
    long room = Math.min(model.maxContextTokens(), cache.capacityTokens()) - DECODE_STEPS;
    return (int) Math.max(1, Math.min(room, options.stepRowLayers() / model.layerCount()));
  }

  /** One prompt and the start of its answer; false when pages are short. */
  private boolean round(int prefillRows) {
    long lease = options.clockNs().getAsLong() + options.leaseNs();
    try (SequenceCache scratch = cache.newSequence(Long.MIN_VALUE, "", lease)) {
      scratch.stopSealing();
      WorkItem item = new WorkItem(scratch, model.cacheLayout().groupCount());
      int at = 0;
      for (int step = 0; step <= DECODE_STEPS; step++) {
        int rows = step == 0 ? prefillRows : 1;
        if (!scratch.reserve(rows)) {
          return false;
        }
        item.rows(rows, at, model.layerCount()).tokens(tokens, at).logits(rows - 1);
        executor.run(List.of(item), this::draw);
        scratch.commit();
        at += rows;
      }
      return true;
    }
  }

  private void draw(WorkItem item, int ordinal, float[] logits, int offset) {
    sampler.sample(logits, offset, model.vocabSize(), sampling, 1, item.index(ordinal));
  }
}
