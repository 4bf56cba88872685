package io.kvasir.actors.observe;

import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.Usage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/**
 * The metrics that vLLM's server documents, under its names, labels and units, so that dashboards
 * and alerts made for it work here. Safe from any thread.
 */
final class VllmMetrics {
  // Bounds in seconds, near vLLM's, with finer ones where this engine's answers are faster.
  private static final double[] FIRST_TOKEN = {
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
    80, 160, 640, 2560
  };
  private static final double[] TOKEN = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5,
    7.5, 10, 20, 40, 80
  };
  private static final double[] REQUEST = {
    0.01, 0.03, 0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480,
    960, 1920, 7680
  };
  private static final double[] COUNT = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000,
    500_000, 1_000_000
  };

  private final MeterRegistry registry;
  private final Tags tags;
  private final Supplier<EngineStats> engine;
  private final Timer firstToken;
  private final Timer interToken;
  private final Timer outputToken;
  private final Timer requestOutputToken;
  private final Timer request;
  private final Timer queue;
  private final Timer inference;
  private final Timer prefill;
  private final Timer decode;
  private final DistributionSummary promptTokens;
  private final DistributionSummary generatedTokens;
  private final DistributionSummary maxTokens;
  private final Map<FinishReason, Counter> ends = new EnumMap<>(FinishReason.class);

  VllmMetrics(MeterRegistry registry, String model, Supplier<EngineStats> engine) {
    this.registry = registry;
    this.tags = Tags.of("model_name", model, "engine", "0");
    this.engine = engine;
    gauge("num_requests_running", "Requests in the batch", EngineStats::running);
    gauge("num_requests_waiting", "Requests queued in the engine", EngineStats::waiting);
    gauge(
        "kv_cache_usage_perc",
        "Share of the KV cache held by running requests, 1 = all",
        s -> s.arenaBytes() == 0 ? 0 : (double) s.arenaReferencedBytes() / s.arenaBytes());
    counter("prefix_cache_queries", "Prompt tokens looked up", EngineStats::promptTokens);
    counter("prefix_cache_hits", "Prompt tokens found", EngineStats::promptTokensHit);
    counter("prompt_tokens", "Prompt tokens of admitted requests", EngineStats::promptTokens);
    counter("generation_tokens", "Tokens generated", EngineStats::generatedTokens);
    counter("num_preemptions", "Requests preempted for memory", EngineStats::preemptions);
    firstToken = timer("time_to_first_token", "Arrival to first token", FIRST_TOKEN);
    interToken = timer("inter_token_latency", "Between two tokens of a request", TOKEN);
    outputToken =
        timer(
            "time_per_output_token", "The same under vLLM's older name, dashboards use it", TOKEN);
    requestOutputToken =
        timer("request_time_per_output_token", "Mean of one request, first token left out", TOKEN);
    request = timer("e2e_request_latency", "Arrival to end", REQUEST);
    queue = timer("request_queue_time", "Submission to admission", REQUEST);
    inference = timer("request_inference_time", "Admission to end", REQUEST);
    prefill = timer("request_prefill_time", "Admission to first token", REQUEST);
    decode = timer("request_decode_time", "First token to end", REQUEST);
    promptTokens = summary("request_prompt_tokens", "Prompt tokens of a request");
    generatedTokens = summary("request_generation_tokens", "Generated tokens of a request");
    maxTokens = summary("request_params_max_tokens", "Longest answer asked for");
    for (FinishReason reason : FinishReason.values()) {
      ends.put(
          reason,
          Counter.builder("vllm:request_success")
              .description("Requests ended by the engine")
              .tags(tags.and("finished_reason", word(reason)))
              .register(registry));
    }
  }

  /** vLLM's words; it knows no deadline. */
  private static String word(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED, DEADLINE -> "abort";
      case ERROR -> "error";
    };
  }

  void firstToken(long ns) {
    firstToken.record(ns, TimeUnit.NANOSECONDS);
  }

  void nextTokens(long ns, int count) {
    for (int i = 0; i < count; i++) {
      interToken.record(ns / count, TimeUnit.NANOSECONDS);
      outputToken.record(ns / count, TimeUnit.NANOSECONDS);
    }
  }

  void finished(RequestTimer timer) {
    ends.get(timer.reason()).increment();
    request.record(timer.elapsedNs(), TimeUnit.NANOSECONDS);
    Usage usage = timer.usage();
    if (usage == null) {
      return;
    }
    promptTokens.record(usage.promptTokens());
    generatedTokens.record(usage.generatedTokens());
    maxTokens.record(timer.maxTokens());
    queue.record(usage.queuedNs(), TimeUnit.NANOSECONDS);
    inference.record(usage.totalNs() - usage.queuedNs(), TimeUnit.NANOSECONDS);
    if (usage.firstTokenNs() >= 0) {
      prefill.record(usage.firstTokenNs() - usage.queuedNs(), TimeUnit.NANOSECONDS);
      long decodeNs = usage.totalNs() - usage.firstTokenNs();
      decode.record(decodeNs, TimeUnit.NANOSECONDS);
      if (usage.generatedTokens() > 1) {
        requestOutputToken.record(decodeNs / (usage.generatedTokens() - 1), TimeUnit.NANOSECONDS);
      }
    }
  }

  private Timer timer(String name, String description, double[] boundsSeconds) {
    return Timer.builder("vllm:" + name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(
            DoubleStream.of(boundsSeconds)
                .mapToObj(seconds -> Duration.ofNanos((long) (seconds * 1e9)))
                .toArray(Duration[]::new))
        .register(registry);
  }

  private DistributionSummary summary(String name, String description) {
    return DistributionSummary.builder("vllm:" + name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(Arrays.copyOf(COUNT, COUNT.length))
        .register(registry);
  }

  private void gauge(String name, String description, ToDoubleFunction<EngineStats> value) {
    Gauge.builder("vllm:" + name, () -> value.applyAsDouble(engine.get()))
        .description(description)
        .tags(tags)
        .register(registry);
  }

  private void counter(String name, String description, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder("vllm:" + name, engine, e -> value.applyAsDouble(e.get()))
        .description(description)
        .tags(tags)
        .register(registry);
  }
}
