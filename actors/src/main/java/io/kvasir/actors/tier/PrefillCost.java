package io.kvasir.actors.tier;

/**
 * What computing prompt rows costs: a time a row and a time a row and visible entry, fitted to what
 * was measured. Thread-safe.
 */
final class PrefillCost {
  private static final double DECAY = 0.9;

  private double perRow;
  private double perPair;
  private double rowsRows;
  private double rowsPairs;
  private double pairsPairs;
  private double rowsSeconds;
  private double pairsSeconds;
  private long samples;

  PrefillCost(double tokensPerSecond) {
    this.perRow = 1 / tokensPerSecond;
  }

  /** Prompt rows [from, to) took so long. */
  synchronized void record(int from, int to, double seconds) {
    if (to <= from || !(seconds > 0)) {
      return;
    }
    double rows = to - from;
    double pairs = pairs(from, to);
    samples++;
    rowsRows = rowsRows * DECAY + rows * rows;
    rowsPairs = rowsPairs * DECAY + rows * pairs;
    pairsPairs = pairsPairs * DECAY + pairs * pairs;
    rowsSeconds = rowsSeconds * DECAY + rows * seconds;
    pairsSeconds = pairsSeconds * DECAY + pairs * seconds;
    double determinant = rowsRows * pairsPairs - rowsPairs * rowsPairs;
    double rowOnly = rowsSeconds / rowsRows;
    perRow = rowOnly;
    perPair = 0;
    if (determinant > 1e-3 * rowsRows * pairsPairs) {
      double row = (rowsSeconds * pairsPairs - pairsSeconds * rowsPairs) / determinant;
      double pair = (pairsSeconds * rowsRows - rowsSeconds * rowsPairs) / determinant;
      if (row > 0 && pair >= 0) {
        perRow = row;
        perPair = pair;
      }
    }
  }

  private static double pairs(double from, double to) {
    return (to * to - from * from) / 2;
  }

  /** Predicted time of rows [from, to). */
  synchronized double seconds(int from, int to) {
    return to <= from ? 0 : (to - from) * perRow + pairs(from, to) * perPair;
  }

  synchronized long samples() {
    return samples;
  }
}
