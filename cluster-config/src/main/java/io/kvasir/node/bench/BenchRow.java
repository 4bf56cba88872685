package io.kvasir.node.bench;

/**
 * One measured figure.
 *
 * @param baseline what it is compared with, null for none
 * @param baselineValue the baseline's figure in the same unit, null for none
 * @param ratio value over baselineValue, or a share computed otherwise; null without a baseline
 * @param goal bound of the ratio, or of the value where there is no ratio; null for none
 * @param met null when there is no goal or the row is invalid
 * @param note why the goal is what it is, or why the row is invalid; may be empty
 */
public record BenchRow(
    String name,
    double value,
    String unit,
    String baseline,
    Double baselineValue,
    Double ratio,
    Goal goal,
    Boolean met,
    String note) {

  /** A bound on a figure. */
  public record Goal(Direction direction, double bound) {
    /** Which side of the bound is good. */
    public enum Direction {
      AT_LEAST("≥"),
      AT_MOST("≤");

      private final String sign;

      Direction(String sign) {
        this.sign = sign;
      }
    }

    public static Goal atLeast(double bound) {
      return new Goal(Direction.AT_LEAST, bound);
    }

    public static Goal atMost(double bound) {
      return new Goal(Direction.AT_MOST, bound);
    }

    /** Whether a figure is on the good side. */
    public boolean isMetBy(double figure) {
      return direction == Direction.AT_LEAST ? figure >= bound : figure <= bound;
    }

    @Override
    public String toString() {
      return direction.sign + " " + BenchReport.number(bound);
    }
  }

  /** A figure that is only reported. */
  public static BenchRow value(String name, double value, String unit) {
    return new BenchRow(name, value, unit, null, null, null, null, null, "");
  }

  /** A figure judged by itself. */
  public static BenchRow judged(String name, double value, String unit, Goal goal, String why) {
    return new BenchRow(name, value, unit, null, null, null, goal, goal.isMetBy(value), why);
  }

  /**
   * A figure and what it is compared with.
   *
   * @param goal bound of value over baselineValue, null for none
   */
  public static BenchRow against(
      String name,
      double value,
      String unit,
      String baseline,
      double baselineValue,
      Goal goal,
      String why) {
    double ratio = value / baselineValue;
    Boolean met = goal == null ? null : goal.isMetBy(ratio);
    return new BenchRow(name, value, unit, baseline, baselineValue, ratio, goal, met, why);
  }

  /** The same row, its comparison void. */
  public BenchRow invalid(String reason) {
    return new BenchRow(
        name, value, unit, baseline, baselineValue, ratio, goal, null, "INVALID: " + reason);
  }
}
