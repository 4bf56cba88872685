package io.kvasir.actors.tier;

/**
 * What loading from one source costs: a fixed time and a time a byte, fitted to what was measured;
 * older measurements count less. Starts at what it is told.
 *
 * <p>One load that took far longer than expected tells little: the first of a JVM runs interpreted,
 * any may meet a collection or a full run queue, and what it is believed to cost keeps further
 * loads from correcting it. So a surprise counts up to a bound; a source that is slow says so
 * again. Loads faster than expected count as they are. Not thread-safe.
 */
final class SourceRate {
  private static final double DECAY = 0.85;
  private static final double SPREAD = 0.05;

  /** Times the expected that a load counts for at most. */
  private static final double SURPRISE = 4;

  private double fixedSeconds;
  private double secondsPerByte;
  private double weight;
  private double sumBytes;
  private double sumSeconds;
  private double sumSquares;
  private double sumProducts;
  private long samples;

  SourceRate(double fixedSeconds, double bytesPerSecond) {
    this.fixedSeconds = fixedSeconds;
    this.secondsPerByte = 1 / bytesPerSecond;
  }

  void record(double bytes, double measuredSeconds) {
    if (!(bytes > 0) || !(measuredSeconds > 0)) {
      return;
    }
    double seconds = Math.min(measuredSeconds, SURPRISE * seconds(bytes));
    samples++;
    weight = weight * DECAY + 1;
    sumBytes = sumBytes * DECAY + bytes;
    sumSeconds = sumSeconds * DECAY + seconds;
    sumSquares = sumSquares * DECAY + bytes * bytes;
    sumProducts = sumProducts * DECAY + bytes * seconds;
    double meanBytes = sumBytes / weight;
    double meanSeconds = sumSeconds / weight;
    double variance = sumSquares / weight - meanBytes * meanBytes;
    if (variance > SPREAD * meanBytes * meanBytes) {
      double slope = (sumProducts / weight - meanBytes * meanSeconds) / variance;
      // A negative slope or intercept is noise; the mean always holds.
      slope = Math.clamp(slope, 0.05 * meanSeconds / meanBytes, meanSeconds / meanBytes);
      secondsPerByte = slope;
      // At the steepest slope nothing is left, and rounding may leave less.
      fixedSeconds = Math.max(0, meanSeconds - slope * meanBytes);
    } else {
      // All of one size: the fixed part stays as far as it can, the rest is bytes.
      fixedSeconds = Math.min(fixedSeconds, meanSeconds / 2);
      secondsPerByte = (meanSeconds - fixedSeconds) / meanBytes;
    }
  }

  double fixedSeconds() {
    return fixedSeconds;
  }

  double bytesPerSecond() {
    return 1 / secondsPerByte;
  }

  double seconds(double bytes) {
    return fixedSeconds + bytes * secondsPerByte;
  }

  long samples() {
    return samples;
  }
}
