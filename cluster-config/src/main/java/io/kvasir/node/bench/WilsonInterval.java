package io.kvasir.node.bench;

/** The 95 % interval of a share that was counted; honest also near 0 and 1. */
record WilsonInterval(double low, double high) {
  private static final double Z = 1.959964;

  static WilsonInterval of(int hits, int total) {
    if (total == 0) {
      return new WilsonInterval(0, 1);
    }
    double share = (double) hits / total;
    double square = Z * Z / total;
    double middle = (share + square / 2) / (1 + square);
    double half = Z / (1 + square) * Math.sqrt(share * (1 - share) / total + square / (4 * total));
    return new WilsonInterval(Math.max(0, middle - half), Math.min(1, middle + half));
  }

  @Override
  public String toString() {
    return "95 % interval " + BenchReport.number(low) + " to " + BenchReport.number(high);
  }
}
