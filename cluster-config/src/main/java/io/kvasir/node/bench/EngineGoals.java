package io.kvasir.node.bench;

import io.kvasir.runtime.device.WeightFormat;

/**
 * The speeds that issue 2 sets, as ratios within one run, and what the peers are known to reach.
 *
 * <p>A ratio to a peer means something only while the peer runs as it should: its figures on a
 * quiet machine are kept here with the plain read of that machine, and a peer below 85 % of its
 * figure, scaled by this run's plain read, voids the comparison.
 */
final class EngineGoals {
  private static final double REFERENCE_READ_GBS = 21.4;
  private static final double HEALTHY_SHARE = 0.85;

  /** One dtype's bounds; null where none is set. */
  record Dtype(
      BenchRow.Goal prefillOverLlama,
      BenchRow.Goal decodeOverLlama,
      BenchRow.Goal prefillOverJlama,
      BenchRow.Goal decodeOverJlama,
      BenchRow.Goal decodeReadShare,
      BenchRow.Goal batchOverSingle) {}

  /** A repeated prompt may cost one row and the way through the engine, never a prefill. */
  static final BenchRow.Goal WARM_OVER_COLD = BenchRow.Goal.atMost(0.015);

  static final BenchRow.Goal WARM_ROWS = BenchRow.Goal.atMost(1);

  private EngineGoals() {}

  static Dtype of(WeightFormat format) {
    return switch (format) {
      case BF16 ->
          new Dtype(
              // llama.cpp widens f16 row by row; packed panels and a 4 x 16 tile do twice as well.
              BenchRow.Goal.atLeast(2.0),
              BenchRow.Goal.atLeast(1.3),
              BenchRow.Goal.atLeast(4.0),
              BenchRow.Goal.atLeast(2.0),
              // Decoding is memory-bound: what is missing to 1 is attention, norms and hand-over.
              BenchRow.Goal.atLeast(0.75),
              // 16 rows share one pass over the weights.
              BenchRow.Goal.atLeast(6.0));
      case INT8 ->
          new Dtype(
              // q8_0 has integer dot products; ours keeps the f32 chain of law 1.
              BenchRow.Goal.atLeast(1.2),
              BenchRow.Goal.atLeast(1.2),
              null,
              null,
              null,
              BenchRow.Goal.atLeast(4.0));
      default -> new Dtype(null, null, null, null, null, null);
    };
  }

  /** What a peer reached on the machine whose plain read was 21.4 GB/s. */
  record Known(double prefillTokensPerSecond, double decodeTokensPerSecond) {}

  static Known llamaCpp(WeightFormat format) {
    return format == WeightFormat.INT8 ? new Known(360, 78) : new Known(200, 47);
  }

  static Known jlama(WeightFormat format) {
    return format == WeightFormat.INT8 ? new Known(85, 25) : new Known(86, 26);
  }

  /** Voids the row if the peer ran below its figure. */
  static BenchRow checked(BenchRow row, double known, double plainReadGbs) {
    double expected = HEALTHY_SHARE * known * plainReadGbs / REFERENCE_READ_GBS;
    if (row.baselineValue() >= expected) {
      return row;
    }
    return row.invalid(
        "peer below "
            + BenchReport.number(expected)
            + " = 85 % of "
            + BenchReport.number(known)
            + " at this plain read");
  }
}
