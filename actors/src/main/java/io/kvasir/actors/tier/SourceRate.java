package io.kvasir.actors.tier;

/**
 * What loading from one source costs: a fixed time and a time a byte, fitted to what was measured;
 * older measurements count less. Starts at what it is told. Not thread-safe.
 */
final class SourceRate {
  private static final double DECAY = 0.85;
  private static final double SPREAD = 0.05;

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

  void record(double bytes, double seconds) {
    if (!(bytes > 0) || !(seconds > 0)) {
      return;
    }
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
