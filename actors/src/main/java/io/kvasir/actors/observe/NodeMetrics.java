package io.kvasir.actors.observe;

import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Counters and histograms of one node, scraped in Prometheus text. Engine figures are those of the
 * last {@link #observe}, which the scrape handler calls first.
 */
public final class NodeMetrics implements AutoCloseable {
  private static final EngineStats NOTHING =
      new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Timer firstToken;
  private final Timer interToken;
  private final Timer requestTime;
  private volatile EngineStats engine = NOTHING;

  /** Metrics of a new node. */
  public NodeMetrics() {
    firstToken =
        histogram(
            "kvasir.time_to_first_token", "Arrival of a request to its first token", 1, 60_000);
    interToken = histogram("kvasir.inter_token_latency", "Time between two tokens", 1, 4_000);
    requestTime =
        histogram("kvasir.e2e_request_latency", "Arrival of a request to its end", 4, 600_000);
    gauge("kvasir.num_requests_running", "Sequences in the batch", EngineStats::running);
    gauge("kvasir.num_requests_waiting", "Requests queued", EngineStats::waiting);
    gauge("kvasir.kv_cache_bytes", "Size of the KV arena", EngineStats::arenaBytes);
    gauge(
        "kvasir.kv_cache_used_bytes",
        "KV arena in use, cached blocks included",
        EngineStats::arenaUsedBytes);
    gauge(
        "kvasir.kv_cache_referenced_bytes",
        "KV arena held by running sequences",
        EngineStats::arenaReferencedBytes);
    gauge("kvasir.kv_leases", "Leases on cache blocks", EngineStats::leases);
    counter("kvasir.engine_steps", "Engine steps", EngineStats::steps);
    counter("kvasir.engine_step_seconds", "Time in engine steps", s -> s.stepNs() / 1e9);
    counter("kvasir.prefix_cache_queries", "Prompt tokens looked up", EngineStats::promptTokens);
    counter(
        "kvasir.prefix_cache_hits",
        "Prompt tokens found in the cache",
        EngineStats::promptTokensHit);
    counter("kvasir.generation_tokens", "Tokens generated", EngineStats::generatedTokens);
    counter(
        "kvasir.requests_finished", "Requests ended by the engine", EngineStats::finishedRequests);
    counter("kvasir.requests_cancelled", "Requests cancelled", EngineStats::cancelledRequests);
    counter(
        "kvasir.requests_refused", "Requests refused by the engine", EngineStats::refusedRequests);
    counter(
        "kvasir.num_preemptions",
        "Sequences recomputed for want of memory",
        EngineStats::preemptions);
  }

  /** Starts the clock of a request. */
  public RequestTimer startRequest() {
    return new RequestTimer(this, System.nanoTime());
  }

  /** Counts an answered HTTP request. */
  public void answered(String endpoint, int status) {
    Counter.builder("kvasir.http_requests")
        .tag("endpoint", endpoint)
        .tag("status", Integer.toString(status))
        .register(registry)
        .increment();
  }

  /** Counts an abandoned stream; {@code cause} is a fixed word. */
  public void aborted(String cause) {
    Counter.builder("kvasir.streams_aborted").tag("cause", cause).register(registry).increment();
  }

  /** Takes the engine's figures for the next scrape. */
  public void observe(EngineStats stats) {
    engine = stats;
  }

  /** Prometheus text format. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }

  void firstToken(long ns) {
    firstToken.record(Duration.ofNanos(ns));
  }

  void nextTokens(long ns, int count) {
    Duration each = Duration.ofNanos(ns / count);
    for (int i = 0; i < count; i++) {
      interToken.record(each);
    }
  }

  void finished(long ns, FinishReason reason, Usage usage) {
    requestTime.record(Duration.ofNanos(ns));
    Counter.builder("kvasir.request_success")
        .tag("finished_reason", reason.name().toLowerCase(Locale.ROOT))
        .register(registry)
        .increment();
    if (usage != null) {
      promptTokens("device", usage.deviceHitTokens());
      promptTokens("recomputed", usage.recomputedTokens());
    }
  }

  private void promptTokens(String source, int count) {
    Counter.builder("kvasir.prompt_tokens")
        .description("Prompt tokens by the source of their KV")
        .tag("source", source)
        .register(registry)
        .increment(count);
  }

  private Timer histogram(String name, String description, long fromMs, long toMs) {
    Duration[] buckets =
        IntStream.iterate(0, i -> fromMs << i <= toMs, i -> i + 1)
            .mapToObj(i -> Duration.ofMillis(fromMs << i))
            .toArray(Duration[]::new);
    return Timer.builder(name)
        .description(description)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }

  private void gauge(String name, String description, ToDoubleFunction<EngineStats> value) {
    Gauge.builder(name, this, m -> value.applyAsDouble(m.engine))
        .description(description)
        .register(registry);
  }

  private void counter(String name, String description, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(name, this, m -> value.applyAsDouble(m.engine))
        .description(description)
        .register(registry);
  }
}
