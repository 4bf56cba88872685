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
 * Ends when rounds stop getting faster, or at its bound, behind which it goes on while the engine
 * is idle. Values do not depend on it (law 1).
 *
 * <p>Works on a scratch sequence that publishes no block, so that nothing of it can be hit. On the
 * engine's thread, before the loop and in it.
 */
final class WarmUp {
  private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);
  private static final int DECODE_STEPS = 4;
  private static final int FIRST_PREFILL_ROWS = 2;

  /**
   * A window whose best prefill gains less than this on the windows before it ends the warm-up. It
   * is long enough for compilations that its first rounds asked for to show in its last.
   */
  private static final double SETTLED = 0.97;

  private static final long WINDOW_NS = 100_000_000;
  private static final int WINDOW_ROUNDS = 4;

  /** While idle, for so many times the bound at most. */
  private static final int IDLE_BOUNDS = 16;

  /** A fifth of the time is little beside what else a machine does. */
  private static final int REST_PER_ROUND = 4;

  /** What a request may have to wait for. */
  private static final long IDLE_ROUND_NS = 100_000_000;

  private final DecoderModel model;
  private final KvCache cache;
  private final StepExecutor executor;
  private final EngineOptions options;
  private final Sampler sampler;
  private final SamplingParameters sampling =
      SamplingParameters.builder().topP(0.95f).topK(40).build();
  private final int[] tokens;
  private final int most;
  private int rows;
  private long endNs;
  private long prefillNs;
  private long firstPrefillNs;
  private int rounds;
  private long best = Long.MAX_VALUE;
  private long windowStart;
  private long windowBest = Long.MAX_VALUE;
  private int windowRounds;
  private long idleEndNs;
  private boolean over;

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
    this.most = Math.min(options.stepRows(), longestPrefill());
    this.rows = Math.min(FIRST_PREFILL_ROWS, most);
  }

  /** Runs for {@link EngineOptions#warmUpNs} at most, but for the step then in progress. */
  void run() {
    long start = System.nanoTime();
    endNs = start + options.warmUpNs();
    windowStart = start;
    while (round(rows) && !settles(endNs - System.nanoTime())) {
      // Until rounds get no faster, or time is up.
    }
    LOG.info(
        "warmed up in {} ms{}: {} prefills, the first of {} rows took {} us, the last of {} rows {}"
            + " us",
        (System.nanoTime() - start) / 1_000_000,
        over ? "" : ", goes on while idle",
        rounds,
        Math.min(FIRST_PREFILL_ROWS, most),
        firstPrefillNs / 1000,
        rows,
        prefillNs / 1000);
  }

  /**
   * One more round while nobody waits, if the bound came before the rounds stopped getting faster:
   * a node that is ready early and asked late is warm by then. Whoever asks meanwhile waits for the
   * round, which is kept short; and between rounds the cores are left to others, who may be
   * starting on the same machine.
   *
   * @return for how long to leave them, in nanoseconds; 0 when there is nothing more to gain
   */
  long roundWhileIdle() {
    long now = System.nanoTime();
    if (idleEndNs == 0) {
      idleEndNs = now + IDLE_BOUNDS * options.warmUpNs();
    }
    endNs = idleEndNs;
    over |= !round(rows) || settles(IDLE_ROUND_NS);
    if (over) {
      LOG.info("warm: a prefill of {} rows takes {} us", rows, prefillNs / 1000);
    }
    return over ? 0 : REST_PER_ROUND * (System.nanoTime() - now);
  }

  /** Whether there is nothing more to gain, from the start or by now. */
  boolean isOver() {
    return over;
  }

  /**
   * Notes a round, and has the next one take more rows where two of this one would fit.
   *
   * @param leftNs for further rounds
   */
  private boolean settles(long leftNs) {
    long now = System.nanoTime();
    firstPrefillNs = rounds++ == 0 ? prefillNs : firstPrefillNs;
    windowBest = Math.min(windowBest, prefillNs);
    windowRounds++;
    if (rows < most && 2 * prefillNs < leftNs) {
      rows = Math.min(2 * rows, most);
      beginWindow(now);
    } else if (windowRounds >= WINDOW_ROUNDS && now - windowStart >= WINDOW_NS) {
      if (windowBest > SETTLED * best) {
        over = true;
      }
      best = Math.min(best, windowBest);
      beginWindow(now);
    }
    return over;
  }

  private void beginWindow(long now) {
    windowRounds = 0;
    windowBest = Long.MAX_VALUE;
    windowStart = now;
  }

  private int longestPrefill() {
    long room = Math.min(model.maxContextTokens(), cache.capacityTokens()) - DECODE_STEPS;
    return (int) Math.max(1, Math.min(room, options.stepRowLayers() / model.layerCount()));
  }

  /** A prompt and the start of its answer; false when time is up or pages are short. */
  private boolean round(int prefillRows) {
    long lease = options.clockNs().getAsLong() + options.leaseNs();
    try (SequenceCache scratch = cache.newSequence(Long.MIN_VALUE, "", lease)) {
      scratch.stopSealing();
      WorkItem item = new WorkItem(scratch, model.cacheLayout().groupCount());
      int at = 0;
      for (int step = 0; step <= DECODE_STEPS; step++) {
        long began = System.nanoTime();
        int rows = step == 0 ? prefillRows : 1;
        if (began >= endNs || !scratch.reserve(rows)) {
          return false;
        }
        item.rows(rows, at, model.layerCount()).tokens(tokens, at).logits(rows - 1);
        executor.run(List.of(item), this::draw);
        scratch.commit();
        at += rows;
        prefillNs = step == 0 ? System.nanoTime() - began : prefillNs;
      }
      return true;
    }
  }

  private void draw(WorkItem item, int ordinal, float[] logits, int offset) {
    sampler.sample(logits, offset, model.vocabSize(), sampling, 1, item.index(ordinal));
  }
}
