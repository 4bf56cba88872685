package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.engine.EngineCounters.Counter;
import io.kvasir.runtime.engine.SchedulingPolicy.Running;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.StepExecutor;
import io.kvasir.runtime.model.WorkItem;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The step loop of one device, without a thread of its own: {@link Engine} runs it, tests step it
 * by hand.
 *
 * <p>A step: expire and cancel; give every decoding request its row; fill the rest of the row
 * budget with prefill chunks, running requests first, then admissions in the policy's order; run
 * the layers; commit, seal, sample and publish. A decode row is a prefill chunk of one row, so a
 * preempted request resumes by prefilling what it had (law 1 makes the tokens equal).
 *
 * <p>Of a request with several choices the first computes the prompt; the others then fork its
 * cache, so that they share the prompt's pages and copy only the partly filled last one when they
 * write to it.
 *
 * <p>Over 500 lines because scheduling, advancing and ending act on the same lists of the same
 * step; what can stand alone does ({@link RowSampler}, {@link WaitingLine}, {@link RequestTable},
 * {@link EngineCounters}, {@link BlockDesk}).
 */
final class EngineCore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EngineCore.class);

  private final DecoderModel model;
  private final KvCache cache;
  private final StepExecutor executor;
  private final EngineOptions options;
  private final SchedulingPolicy policy;
  private final EngineCounters counters;
  private final RowSampler sampler;
  private final Function<int[], IntFunction<String>> textDecoder;
  private final RequestTable requests = new RequestTable();
  private final WaitingLine line;
  private final List<ActiveRequest> running = new ArrayList<>();
  private final List<ActiveRequest> stepping = new ArrayList<>();
  private final List<WorkItem> items = new ArrayList<>();
  private final SeedSource seeds;
  private final EngineStepEvent event = new EngineStepEvent();
  private final BlockDesk desk;

  /** Null when there is no more to do. */
  private WarmUp warmUp;

  EngineCore(
      DecoderModel model,
      KvCache cache,
      EngineOptions options,
      SchedulingPolicy policy,
      EngineCounters counters,
      AtomicLong waitingRoom,
      BlockDesk desk,
      Function<int[], IntFunction<String>> textDecoder) {
    this.model = model;
    this.cache = cache;
    this.options = options;
    this.policy = policy;
    this.counters = counters;
    this.line = new WaitingLine(policy, requests, waitingRoom);
    this.desk = desk;
    this.textDecoder = textDecoder;
    this.executor = new StepExecutor(model, options.stepRows());
    this.sampler = new RowSampler(model.vocabSize(), model.hiddenSize());
    this.seeds = new SeedSource(options.seedBase());
    counters.set(Counter.ARENA_BYTES, cache.bytes());
  }

  /** Lets the compiler at the kernels, as the options say; before the first request. */
  void warmUp() {
    if (options.warmUpNs() > 0) {
      warmUp = new WarmUp(model, cache, executor, options);
      warmUp.run();
    }
  }

  /**
   * Goes on with what the warm-up had no time for.
   *
   * @return how long to rest before it is called again, in nanoseconds; 0 when there is nothing to
   *     do
   */
  long warmUpWhileIdle() {
    if (warmUp == null || warmUp.isOver()) {
      warmUp = null;
      return 0;
    }
    // Pages of a round could take the place of blocks; and who has served is warm by that.
    return cache.blockCount() > 0 ? 0 : warmUp.roundWhileIdle();
  }

  /** Takes a checked request into the waiting line. */
  void accept(GenerationRequest request, long submittedNs) {
    SamplingParameters s = request.sampling();
    long deadline = request.timeoutNs() > 0 ? submittedNs + request.timeoutNs() : Long.MAX_VALUE;
    long seed = s.seed() == null ? seeds.next() : s.seed();
    RequestGroup group;
    try {
      group = new RequestGroup(request, submittedNs, deadline, seed, textDecoder);
    } catch (RuntimeException e) {
      turnAway(request, e);
      return;
    }
    requests.add(group);
    for (ActiveRequest r : group.choices) {
      if (group.over[r.choice] != null) {
        r.finish = group.over[r.choice];
        ended(r, null, submittedNs);
      }
    }
    if (group.live > 0) {
      line.enter(group.leader(), false);
    }
    counters.set(Counter.WAITING, line.choices());
  }

  /** A request whose own parts (decoders, adjusters) fail before it waits. */
  private void turnAway(GenerationRequest request, RuntimeException why) {
    LOG.error("request {} could not be prepared", request.id(), why);
    line.turnedAway(request.streams().size());
    request.closePins();
    String failure = "the engine could not prepare the request: " + why.getMessage();
    for (int i = 0; i < request.streams().size(); i++) {
      request.streams().get(i).finish(FinishReason.ERROR, request.unserved(i), failure);
    }
  }

  void cancel(long requestId) {
    requests.cancel(requestId);
  }

  void cancel(long requestId, int choice) {
    requests.cancel(requestId, choice);
  }

  boolean idle() {
    return requests.isEmpty();
  }

  /**
   * A slice of the work for tiers and peers, between two steps. Returns whether there was any, so
   * that there may be more.
   */
  boolean moveBlocks() {
    boolean worked = desk.work();
    if (worked) {
      publishGauges();
    }
    return worked;
  }

  /** How long nothing has to be done unless somebody calls. */
  long quietNs(long longestNs) {
    return desk.quietNs(longestNs);
  }

  /** One step; returns the rows run, 0 when there was nothing to do. */
  int step() {
    return step(StepWakeups.NONE);
  }

  /** The same, saying when its tokens are handed over. */
  int step(StepWakeups wakeups) {
    long start = options.clockNs().getAsLong();
    endCancelledAndExpired(start);
    stepping.clear();
    items.clear();
    sampler.begin();
    int rows = schedule(start);
    if (rows == 0) {
      wakeups.rest();
      return 0;
    }
    event.begin();
    try {
      executor.run(items, sampler);
    } catch (RuntimeException e) {
      failStep(e);
      return rows;
    }
    long now = options.clockNs().getAsLong();
    wakeups.begin();
    try {
      for (int i = 0; i < stepping.size(); i++) {
        advance(stepping.get(i), now);
      }
    } finally {
      wakeups.end();
    }
    counters.add(Counter.STEPS, 1);
    counters.add(Counter.STEP_NS, now - start);
    publishGauges();
    record(rows);
    return rows;
  }

  private void record(int rows) {
    event.end();
    if (event.shouldCommit()) {
      event.rows = rows;
      event.requests = stepping.size();
      event.commit();
    }
  }

  private void publishGauges() {
    counters.set(Counter.WAITING, line.choices());
    counters.set(Counter.RUNNING, places());
    counters.set(Counter.ARENA_USED_BYTES, cache.usedBytes());
    counters.set(Counter.ARENA_REFERENCED_BYTES, cache.referencedBytes());
    counters.set(Counter.LEASES, cache.leaseCount());
    counters.set(Counter.CACHED_BLOCKS, cache.blockCount());
  }

  // ---- scheduling ----

  private int schedule(long now) {
    int budget = (int) Math.min(options.stepRows(), options.stepRowLayers() / model.layerCount());
    budget = Math.max(1, budget);
    int rows = 0;
    // Decoding requests first: one row each, in order of admission. Preemption removes from the
    // end.
    for (int i = 0; i < running.size() && rows < budget; i++) {
      if (running.get(i).remaining() == 1) {
        rows += place(running.get(i), 1, now);
      }
    }
    for (int i = 0; i < running.size() && rows < budget; i++) {
      ActiveRequest r = running.get(i);
      if (r.remaining() > 1) {
        rows += place(r, budget - rows, now);
      }
    }
    while (rows < budget && running.size() < options.maxRunning()) {
      ActiveRequest r = line.next(now);
      if (r == null || places() + r.group.placesFor(r) > options.maxRunning()) {
        break;
      }
      int placed = admit(r, budget - rows, now);
      if (placed == 0) {
        break;
      }
      rows += placed;
    }
    return rows;
  }

  /** Running choices and those that will run when their leader has computed the prompt. */
  private int places() {
    int places = running.size();
    for (int i = 0; i < running.size(); i++) {
      ActiveRequest r = running.get(i);
      places += r.group.placesFor(r) - 1;
    }
    return places;
  }

  /** Opens a cache for a waiting request and places its first chunk; 0 if memory is short. */
  private int admit(ActiveRequest r, int budget, long now) {
    r.cache = cache.newSequence(r.request.id(), r.request.tenant(), now + options.leaseNs());
    int want = Math.min(r.end(), r.firstWantedRow());
    int hit = want == 0 ? 0 : cache.attachPrefix(r.cache, r.tokens(), want);
    if (r.stream.pooled() != null) {
      // Embedded once: its blocks would only push out those that conversations come back to.
      r.cache.stopSealing();
    }
    r.cached = hit;
    r.cursor = Math.min(hit, r.end() - 1);
    // Each further choice copies the prompt's last page or begins one.
    int missing =
        r.end() - hit + (r.group.placesFor(r) - 1) * cacheSlots() + r.group.tokensBehindPrompt();
    if (!running.isEmpty() && missing > 0 && !cache.canReserve(r.cache, missing)) {
      r.cache.close();
      r.cache = null;
      return 0;
    }
    if (line.admitted(r, now)) {
      r.admittedWith(hit);
      counters.add(Counter.PROMPT_TOKENS, r.promptLength);
      counters.add(Counter.PROMPT_TOKENS_HIT, Math.min(hit, r.promptLength));
    }
    r.request.closePins();
    r.item = new WorkItem(r.cache, model.cacheLayout().groupCount());
    running.add(r);
    return place(r, budget, now);
  }

  /**
   * Reserves and lays out the next rows of a running request, at most {@code budget}; takes memory
   * from younger requests if it must. Returns the rows placed.
   */
  private int place(ActiveRequest r, int budget, long now) {
    int rows = Math.min(budget, r.remaining());
    boolean readOnly = r.cursor < r.cached;
    if (readOnly) {
      rows = Math.min(rows, r.cached - r.cursor);
    } else {
      while (!r.cache.reserve(rows)) {
        if (desk.breakOldestPin()) {
          // What a tier or a waiting request keeps comes after what runs; it can be had again.
          continue;
        }
        if (rows > cacheSlots() && running.size() == 1) {
          rows = Math.max(cacheSlots(), rows / 2);
        } else if (!preemptFor(r, now)) {
          if (running.size() == 1) {
            end(r, FinishReason.ERROR, outOfMemory(r), now);
          }
          return 0;
        }
      }
    }
    WorkItem item = r.item.rows(rows, r.cursor, model.layerCount());
    item.tokens(r.tokens(), r.cursor);
    if (readOnly) {
      item.readOnly();
      for (int g = 0; g < model.cacheLayout().groupCount(); g++) {
        item.firstEntry(g, r.cursor);
      }
    }
    if (r.pools(Pooling.MEAN)) {
      item.statesFrom(0);
    } else if (r.cursor + rows == r.end()) {
      if (r.pools(Pooling.LAST)) {
        item.statesFrom(rows - 1);
      } else {
        item.logits(rows - 1);
      }
    }
    if (!r.promptLogitsDone) {
      r.wantPromptRows(item, rows);
    }
    r.stepRows = rows;
    r.sampled = -1;
    stepping.add(r);
    items.add(item);
    sampler.expect(item, r);
    return rows;
  }

  private int cacheSlots() {
    return model.cacheLayout().slots();
  }

  private String outOfMemory(ActiveRequest r) {
    return "the KV arena of "
        + cache.bytes()
        + " bytes cannot hold "
        + r.length()
        + " tokens, raise kvasir.runtime.arena or shorten the request";
  }

  /** Takes the cache of a victim that is not in this step yet; false if there is none. */
  private boolean preemptFor(ActiveRequest needy, long now) {
    List<Running> candidates = new ArrayList<>();
    for (ActiveRequest r : running) {
      if (r != needy && !stepping.contains(r)) {
        candidates.add(r.running());
      }
    }
    if (candidates.isEmpty()) {
      return false;
    }
    Running chosen =
        candidates.size() == 1 ? candidates.getFirst() : policy.victim(candidates, now);
    ActiveRequest victim = requests.of(chosen.ticket());
    release(victim);
    running.remove(victim);
    victim.preemptions++;
    victim.cursor = 0;
    victim.cached = 0;
    line.enter(victim, true);
    counters.add(Counter.PREEMPTIONS, 1);
    return true;
  }

  private static void release(ActiveRequest r) {
    if (r.cache != null) {
      r.cache.close();
      r.cache = null;
      r.item = null;
    }
  }

  // ---- after the layers ----

  private void advance(ActiveRequest r, long now) {
    boolean wrote = r.cursor >= r.cached;
    int from = r.cursor;
    r.cursor += r.stepRows;
    r.rowLayers += r.item.takeRowLayers();
    if (wrote) {
      r.cache.commit();
      r.cache.sealTokens(r.tokens(), from, r.cursor);
      r.cached = r.cursor;
      dropBehindWindows(r);
    }
    r.cache.renewLease(now + options.leaseNs());
    if (r.cursor >= r.promptLength) {
      r.promptLogitsDone = true;
    }
    if (r.cursor < r.end()) {
      return;
    }
    if (r.stream.pooled() != null) {
      end(r, FinishReason.STOP, null, now);
    } else if (r.group.forked) {
      take(r, now);
    } else {
      fork(r, now);
    }
  }

  /**
   * The prompt is computed: every choice gets its own view of it, and its first token unless it was
   * given some.
   */
  private void fork(ActiveRequest leader, long now) {
    RequestGroup group = leader.group;
    group.forked = true;
    int groups = model.cacheLayout().groupCount();
    for (ActiveRequest r : group.choices) {
      if (r != leader && r.finish == null && !r.cancelled) {
        SequenceCache shared = leader.cache.fork(r.request.id(), now + options.leaseNs());
        r.startFrom(leader, shared, new WorkItem(shared, groups));
        running.add(r);
      }
    }
    for (ActiveRequest r : group.choices) {
      if (r.finish == null && r.cancelled) {
        end(r, FinishReason.CANCELLED, null, now);
      } else if (r.sampled >= 0) {
        take(r, now);
      }
    }
  }

  /** A drawn token ends the answer or becomes part of it. */
  private void take(ActiveRequest r, long now) {
    int token = r.sampled;
    r.sampled = -1;
    if (r.firstTokenNs < 0) {
      r.firstTokenNs = now;
    }
    SamplingParameters s = r.request.sampling();
    if (s.measures()) {
      r.stream.measured(r.sampledLogprob);
    }
    if (r.endsAt(token)) {
      end(r, FinishReason.STOP, null, now);
      return;
    }
    r.append(token);
    counters.add(Counter.GENERATED_TOKENS, 1);
    boolean stopped = r.stopStrings != null && r.stopStrings.matches(token);
    r.stream.publish(token);
    if (stopped) {
      end(r, FinishReason.STOP, null, now);
    } else if (r.generated() >= s.maxTokens()) {
      end(r, FinishReason.LENGTH, null, now);
    }
  }

  /** Pages that no later row of a sliding-window group can see go back to the pool. */
  private void dropBehindWindows(ActiveRequest r) {
    for (int g = 0; g < model.cacheLayout().groupCount(); g++) {
      int window = model.cacheLayout().group(g).window();
      if (window > 0 && r.cursor - window + 1 > 0) {
        r.cache.dropBefore(g, r.cursor - window + 1);
      }
    }
  }

  private void failStep(RuntimeException e) {
    LOG.error("a step failed; its {} requests end with an error", stepping.size(), e);
    long now = options.clockNs().getAsLong();
    for (ActiveRequest r : List.copyOf(stepping)) {
      end(r, FinishReason.ERROR, "the engine failed a step: " + e.getMessage(), now);
    }
  }

  // ---- endings ----

  private void endCancelledAndExpired(long now) {
    List<ActiveRequest> due = requests.due(now);
    for (int i = 0; i < due.size(); i++) {
      ActiveRequest r = due.get(i);
      end(r, r.cancelled ? FinishReason.CANCELLED : FinishReason.DEADLINE, null, now);
    }
  }

  /** Ends a choice; before the prompt is computed the leader's end is everyone's. */
  private void end(ActiveRequest r, FinishReason reason, String failure, long now) {
    if (r.finish != null) {
      return;
    }
    r.finish = reason;
    if (!r.group.forked && r == r.group.leader()) {
      for (ActiveRequest other : r.group.choices) {
        end(other, reason, failure, now);
      }
    }
    if (r.cache != null) {
      int keep = policy.keepTokens(r.running(), reason);
      r.cache.abort();
      r.cache.keepOnly(keep);
      release(r);
      running.remove(r);
    }
    counters.add(reason == FinishReason.CANCELLED ? Counter.CANCELLED : Counter.FINISHED, 1);
    ended(r, failure, now);
  }

  /** Nothing is held for a choice any more: says so. */
  private void ended(ActiveRequest r, String failure, long now) {
    requests.ended(r);
    line.ended(r);
    if (r.group.live == 0) {
      r.request.closePins();
    }
    publishGauges();
    r.stream.finish(r.finish, r.usage(now), failure);
  }

  /** Ends everything with {@link FinishReason#CANCELLED}. */
  void cancelAll() {
    long now = options.clockNs().getAsLong();
    for (ActiveRequest r : requests.all()) {
      end(r, FinishReason.CANCELLED, null, now);
    }
  }

  /** Ends everything with {@link FinishReason#ERROR}, whatever state an error left behind. */
  void failAll(String failure) {
    long now = options.clockNs().getAsLong();
    for (ActiveRequest r : requests.all()) {
      try {
        end(r, FinishReason.ERROR, failure, now);
      } catch (RuntimeException e) {
        LOG.error("request {} could not be ended in order", r.request.id(), e);
      }
      if (r.stream.finishReason() == null) {
        r.request.closePins();
        r.stream.finish(FinishReason.ERROR, r.usage(now), failure);
      }
    }
  }

  @Override
  public void close() {
    cancelAll();
    desk.close("the engine is closed, its blocks are gone");
    executor.close();
    cache.close();
  }
}
