package io.kvasir.actors.observe;

import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.tier.MissReason;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Counters and histograms of one node, scraped in Prometheus text: vLLM's under its names ({@code
 * vllm:…}), and under {@code kvasir_…} what it has no name for. Labels take their values from the
 * configuration or from fixed words, never from clients. Engine figures are those of the last
 * {@link #observe}, which the scrape handler calls first.
 */
public final class NodeMetrics implements AutoCloseable {
  private static final EngineStats NOTHING =
      new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, EngineStats.Blocks.NONE);

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, ModelMetrics> models = new LinkedHashMap<>();

  /** One model's part: every metric of it has its id as a label. */
  private final class ModelMetrics {
    private final Tags tags;
    private final VllmMetrics vllm;
    private volatile EngineStats engine = NOTHING;

    ModelMetrics(String model) {
      tags = Tags.of("model_name", model);
      vllm = new VllmMetrics(registry, model, () -> engine);
      registerEngine();
    }

    private void registerEngine() {
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
      counter(
          "kvasir.requests_finished",
          "Requests ended by the engine",
          EngineStats::finishedRequests);
      counter("kvasir.requests_cancelled", "Requests cancelled", EngineStats::cancelledRequests);
      counter(
          "kvasir.requests_refused",
          "Requests refused by the engine",
          EngineStats::refusedRequests);
    }

    private void gauge(String name, String description, ToDoubleFunction<EngineStats> value) {
      Gauge.builder(name, this, m -> value.applyAsDouble(m.engine))
          .description(description)
          .tags(tags)
          .register(registry);
    }

    private void counter(String name, String description, ToDoubleFunction<EngineStats> value) {
      FunctionCounter.builder(name, this, m -> value.applyAsDouble(m.engine))
          .description(description)
          .tags(tags)
          .register(registry);
    }

    private void promptTokens(String source, int count) {
      Counter.builder("kvasir.prompt_tokens")
          .description("Prompt tokens by the source of their KV")
          .tags(tags.and("source", source))
          .register(registry)
          .increment(count);
    }

    private void missed(MissReason why, int tokens) {
      Counter.builder("kvasir.prompt_misses")
          .description("Prompt tokens of full blocks that were computed, by reason")
          .tags(tags.and("reason", why.name().toLowerCase(Locale.ROOT)))
          .register(registry)
          .increment(tokens);
    }

    private void replayed(Serving serving) {
      Counter.builder("kvasir.replays")
          .description("Attempts after the first, on other nodes")
          .tags(tags)
          .register(registry)
          .increment(serving.attempts() - 1.0);
      Counter.builder("kvasir.replayed_tokens")
          .description("Prompt and answer tokens placed again by a later attempt")
          .tags(tags)
          .register(registry)
          .increment(serving.replayedTokens());
    }
  }

  /**
   * Metrics of a new node.
   *
   * @param ids of its models, as clients name them
   */
  public NodeMetrics(List<String> ids) {
    ids.forEach(id -> models.put(id, new ModelMetrics(id)));
  }

  /** Adds the figures of a part of the node; once each. */
  public void bind(MeterBinder part) {
    part.bindTo(registry);
  }

  /** Starts the clock of a request whose model is not known yet. */
  public RequestTimer startRequest() {
    return new RequestTimer(System.nanoTime());
  }

  /** The request asks for this model of the node; what becomes of it counts there. */
  public void assign(RequestTimer request, String model) {
    request.countIn(models.get(model).vllm, model);
  }

  /** Counts an answered HTTP request. */
  public void answered(String endpoint, int status) {
    Counter.builder("kvasir.http_requests")
        .description("HTTP requests by endpoint and status")
        .tag("endpoint", endpoint)
        .tag("status", Integer.toString(status))
        .register(registry)
        .increment();
  }

  /** Counts an abandoned stream; {@code cause} is a fixed word. */
  public void aborted(String cause) {
    Counter.builder("kvasir.streams_aborted")
        .description("Streams that their client broke off or did not read")
        .tag("cause", cause)
        .register(registry)
        .increment();
  }

  /** Counts what a tenant was denied; both are fixed words. */
  public void denied(String tenant, String reason) {
    Counter.builder("kvasir.tenant_denials")
        .description("Requests that a tenant may not make, or not now")
        .tag("tenant", tenant)
        .tag("reason", reason)
        .register(registry)
        .increment();
  }

  /** Counts a request that is over; {@code tenant} comes from the configuration. */
  public void ended(String tenant, RequestTimer request) {
    tenantTokens(tenant, "prompt", request.usedTokens() == 0 ? 0 : request.promptTokens());
    tenantTokens(tenant, "generated", request.usedTokens() == 0 ? 0 : request.generatedTokens());
    Usage usage = request.usage();
    if (usage != null) {
      ModelMetrics model = models.get(request.model());
      PromptSources from = usage.sources();
      model.promptTokens("device", from.device());
      model.promptTokens("host", from.host());
      model.promptTokens("disk", from.disk());
      model.promptTokens("peer", from.peer());
      model.promptTokens("remote", from.remote());
      model.promptTokens("reused", from.reused());
      model.promptTokens("recomputed", from.recomputed());
      Serving serving = request.serving();
      model.replayed(serving);
      serving.misses().forEach(model::missed);
    }
  }

  /** Takes the figures of a model's engine for the next scrape. */
  public void observe(String model, EngineStats stats) {
    models.get(model).engine = stats;
  }

  /** Prometheus text format. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }

  private void tenantTokens(String tenant, String kind, int count) {
    Counter.builder("kvasir.tenant_tokens")
        .description("Tokens by tenant")
        .tag("tenant", tenant)
        .tag("kind", kind)
        .register(registry)
        .increment(count);
  }
}
