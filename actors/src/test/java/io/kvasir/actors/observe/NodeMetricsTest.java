package io.kvasir.actors.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.gpu.Serving;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Prometheus scrapes: well-formed, under the names that dashboards ask for. */
final class NodeMetricsTest {
  private static final String MODEL = "a \"model\"\\with\nnoise";
  private static final Usage USAGE =
      new Usage(10, PromptSources.cached(10, 4), 3, 0, 40, 0, 1_000_000, 21_000_000, 61_000_000);

  @Test
  void shouldServeVllmsNamesToAStrictParser() {
    try (NodeMetrics metrics = new NodeMetrics(List.of(MODEL))) {
      RequestTimer request = metrics.startRequest();
      metrics.assign(request, MODEL);
      request.accepted(10, 16);
      request.tokens(1);
      request.tokens(2);
      request.finished(FinishReason.LENGTH, USAGE, Serving.HERE);
      metrics.ended("acme", request);
      metrics.answered("/v1/completions", 200);
      metrics.aborted("slow_reader");
      metrics.observe(
          MODEL,
          new EngineStats(
              3, 2, 7, 9, 100, 40, 50, 5, 1, 0, 6, 1000, 500, 250, 0, EngineStats.Blocks.NONE));
      PrometheusText text = PrometheusText.parse(metrics.scrape());
      assertEquals(2, text.value("vllm:num_requests_running"));
      assertEquals(3, text.value("vllm:num_requests_waiting"));
      assertEquals(0.25, text.value("vllm:kv_cache_usage_perc"));
      assertEquals(100, text.value("vllm:prefix_cache_queries_total"));
      assertEquals(40, text.value("vllm:prefix_cache_hits_total"));
      assertEquals(100, text.value("vllm:prompt_tokens_total"));
      assertEquals(50, text.value("vllm:generation_tokens_total"));
      assertEquals(6, text.value("vllm:num_preemptions_total"));
      assertEquals(1, text.value("vllm:request_success_total", "finished_reason", "length"));
      assertEquals(0, text.value("vllm:request_success_total", "finished_reason", "stop"));
      assertEquals(1, text.value("vllm:time_to_first_token_seconds_count"));
      assertEquals(2, text.value("vllm:inter_token_latency_seconds_count"));
      assertEquals(2, text.value("vllm:time_per_output_token_seconds_count"));
      assertEquals(0.02, text.value("vllm:request_time_per_output_token_seconds_sum"), 1e-9);
      assertEquals(1, text.value("vllm:e2e_request_latency_seconds_count"));
      assertEquals(0.001, text.value("vllm:request_queue_time_seconds_sum"), 1e-9);
      assertEquals(0.06, text.value("vllm:request_inference_time_seconds_sum"), 1e-9);
      assertEquals(0.02, text.value("vllm:request_prefill_time_seconds_sum"), 1e-9);
      assertEquals(0.04, text.value("vllm:request_decode_time_seconds_sum"), 1e-9);
      assertEquals(1, text.value("vllm:request_prompt_tokens_bucket", "le", "10.0"));
      assertEquals(0, text.value("vllm:request_prompt_tokens_bucket", "le", "5.0"));
      assertEquals(3, text.value("vllm:request_generation_tokens_sum"));
      assertEquals(16, text.value("vllm:request_params_max_tokens_sum"));
      assertEquals("histogram", text.types().get("vllm:time_to_first_token_seconds"));
      assertEquals("counter", text.types().get("vllm:request_success_total"));
      assertEquals(
          3, text.value("kvasir_tenant_tokens_total", "tenant", "acme", "kind", "generated"));
      assertEquals(4, text.value("kvasir_prompt_tokens_total", "source", "device"));
      assertTrue(
          text.samples().stream()
              .filter(sample -> sample.name().startsWith("vllm:"))
              .allMatch(sample -> sample.labels().containsKey("model_name")));
    }
  }

  @Test
  void shouldLetTwoUnfinishedEndsWithTheSameReasonShareOneWord() {
    try (NodeMetrics metrics = new NodeMetrics(List.of("m"))) {
      for (FinishReason reason : List.of(FinishReason.CANCELLED, FinishReason.DEADLINE)) {
        RequestTimer request = metrics.startRequest();
        metrics.assign(request, "m");
        request.accepted(10, 16);
        request.finished(reason, USAGE, Serving.HERE);
      }
      PrometheusText text = PrometheusText.parse(metrics.scrape());
      assertEquals(2, text.value("vllm:request_success_total", "finished_reason", "abort"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"c} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"c\" d=\"e\"} 1\n",
        "# HELP a x\n"
            + "# TYPE a histogram\n"
            + "a_bucket{le=\"1\"} 2\n"
            + "a_bucket{le=\"+Inf\"} 1\n"
            + "a_count 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_count 2\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\na_count 3\n",
      })
  void shouldHaveAParserThatForgivesNothing(String text) {
    assertThrows(AssertionError.class, () -> PrometheusText.parse(text), text);
  }
}
