package io.kvasir.actors.tier;

import java.util.List;

/**
 * What a model's tiers were measured at, by which loading is weighed against computing (law 8).
 *
 * @param sources that blocks are loaded from
 * @param deviceBytesPerSecond reading blocks off the device; 0 = not measured
 * @param prefillTokensPerSecond computing at the start of a prompt
 * @param explained the same in sentences
 */
public record Rates(
    String model,
    List<Source> sources,
    double deviceBytesPerSecond,
    double prefillTokensPerSecond,
    List<String> explained) {
  public Rates {
    sources = List.copyOf(sources);
    explained = List.copyOf(explained);
  }

  /**
   * One source.
   *
   * @param source host or peer
   * @param node whose memory it is, by name
   * @param fixedMs what a load costs beside its bytes
   * @param samples loads behind these figures; 0 = they are assumed
   * @param bypassed whether it is left out because it lost against computing
   */
  public record Source(
      String source,
      String node,
      double bytesPerSecond,
      double fixedMs,
      long samples,
      boolean bypassed) {}
}
