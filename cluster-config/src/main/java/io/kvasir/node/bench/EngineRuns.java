package io.kvasir.node.bench;

import io.kvasir.runtime.device.WeightFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/** What the runs of one dtype gave, and the rows that follow from their medians. One thread. */
final class EngineRuns {
  static final String OWN = "kvasir";

  final List<Double> plainReadGbs = new ArrayList<>();
  final List<Double> batchTokensPerSecond = new ArrayList<>();

  /** A new long prompt, and the same again; a run each. */
  final List<BenchEngine.Timing> cold = new ArrayList<>();

  final List<BenchEngine.Timing> warm = new ArrayList<>();
  private final Map<String, List<BenchEngine.Timing>> single = new LinkedHashMap<>();

  EngineRuns(Set<String> engines) {
    engines.forEach(name -> single.put(name, new ArrayList<>()));
  }

  void add(String engine, BenchEngine.Timing timing) {
    single.get(engine).add(timing);
  }

  /** Drops everything so far: it was warm-up. */
  void forget() {
    plainReadGbs.clear();
    batchTokensPerSecond.clear();
    cold.clear();
    warm.clear();
    single.values().forEach(List::clear);
  }

  /** Adds the rows of one dtype. */
  void report(
      WeightFormat dtype, int promptTokens, double weightBytesPerToken, BenchReport report) {
    String name = dtype.name().toLowerCase(Locale.ROOT);
    EngineGoals.Dtype goals = EngineGoals.of(dtype);
    double plainGbs = Median.of(plainReadGbs);
    double decode = decode(OWN);
    report.add(BenchRow.value(name + " plain sequential read", plainGbs, "GB/s"));
    report.add(BenchRow.value(name + " prefill 512", prefill(OWN, promptTokens), "tok/s"));
    report.add(BenchRow.value(name + " decode 64, batch 1", decode, "tok/s"));
    addPeer(
        report,
        name,
        EngineBench.LLAMA_CPP,
        dtype == WeightFormat.BF16 ? " f16" : " q8_0",
        promptTokens,
        EngineGoals.llamaCpp(dtype),
        goals.prefillOverLlama(),
        goals.decodeOverLlama());
    addPeer(
        report,
        name,
        EngineBench.JLAMA,
        dtype == WeightFormat.BF16 ? " BF16" : " I8",
        promptTokens,
        EngineGoals.jlama(dtype),
        goals.prefillOverJlama(),
        goals.decodeOverJlama());
    report.add(
        BenchRow.against(
            name + " weights read while decoding",
            decode * weightBytesPerToken / 1e9,
            "GB/s",
            "plain read",
            plainGbs,
            goals.decodeReadShare(),
            ""));
    report.add(
        BenchRow.against(
            name + " decode 64, batch 16",
            Median.of(batchTokensPerSecond),
            "tok/s",
            "batch 1",
            decode,
            goals.batchOverSingle(),
            ""));
    addPrefixReuse(report, name);
  }

  private void addPeer(
      BenchReport report,
      String name,
      String peer,
      String form,
      int promptTokens,
      EngineGoals.Known known,
      BenchRow.Goal prefillGoal,
      BenchRow.Goal decodeGoal) {
    if (!single.containsKey(peer)) {
      return;
    }
    double plainGbs = Median.of(plainReadGbs);
    BenchRow prefill =
        BenchRow.against(
            name + " prefill 512",
            prefill(OWN, promptTokens),
            "tok/s",
            peer + form,
            prefill(peer, promptTokens),
            prefillGoal,
            "");
    BenchRow decode =
        BenchRow.against(
            name + " decode 64, batch 1",
            decode(OWN),
            "tok/s",
            peer + form,
            decode(peer),
            decodeGoal,
            "");
    report.add(EngineGoals.checked(prefill, known.prefillTokensPerSecond(), plainGbs));
    report.add(EngineGoals.checked(decode, known.decodeTokensPerSecond(), plainGbs));
  }

  private void addPrefixReuse(BenchReport report, String name) {
    report.add(
        BenchRow.against(
            name + " TTFT of the same 1024-token prompt again",
            1e3 * median(warm, BenchEngine.Timing::firstTokenSeconds),
            "ms",
            "cold",
            1e3 * median(cold, BenchEngine.Timing::firstTokenSeconds),
            EngineGoals.WARM_OVER_COLD,
            ""));
    int most = warm.stream().mapToInt(BenchEngine.Timing::promptTokensComputed).max().orElse(0);
    report.add(
        BenchRow.judged(name + " rows computed for it", most, "rows", EngineGoals.WARM_ROWS, ""));
  }

  private double prefill(String engine, int promptTokens) {
    return promptTokens / median(single.get(engine), BenchEngine.Timing::firstTokenSeconds);
  }

  private double decode(String engine) {
    return median(single.get(engine), BenchEngine.Timing::decodeTokensPerSecond);
  }

  private static double median(
      List<BenchEngine.Timing> timings, ToDoubleFunction<BenchEngine.Timing> figure) {
    return Median.of(timings.stream().mapToDouble(figure).boxed().toList());
  }
}
