package io.kvasir.transport.driver;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * What the logs must hold; each value is described in {@code reference.conf}. Immutable.
 *
 * @param maxPeers peers of one node, itself not counted
 * @param nodesPerHost nodes that share one driver
 * @param budgetBytes 0 = half of what is free
 * @param bulkTermBytes 0 = derived from the budget
 * @param mtuBytes of the bulk lane, header included
 */
public record SizingSettings(
    int maxPeers,
    int nodesPerHost,
    long budgetBytes,
    int bulkTermBytes,
    int smallTermBytes,
    int controlTermBytes,
    int mtuBytes,
    long bandwidthBytesPerSecond,
    Duration roundTrip) {
  /** Config path. */
  public static final String PATH = "kvasir.transport.sizing";

  static final int MIN_TERM_BYTES = 64 << 10;
  static final int MAX_TERM_BYTES = 1 << 30;
  private static final int MIN_MTU_BYTES = 1024;
  private static final int MAX_MTU_BYTES = 65504;

  public SizingSettings {
    checkTerm("bulk-term", bulkTermBytes, true);
    checkTerm("small-term", smallTermBytes, false);
    checkTerm("control-term", controlTermBytes, false);
    if (mtuBytes % 32 != 0) {
      throw new ConfigurationException(
          "%s.mtu=%d is no multiple of 32; set %d".formatted(PATH, mtuBytes, mtuBytes / 32 * 32));
    }
    if (bulkTermBytes != 0 && bulkTermBytes / LogSizing.TERM_FRAMES < mtuBytes) {
      throw new ConfigurationException(
          "%s.bulk-term=%d bytes holds fewer than %d frames of mtu=%d bytes; raise bulk-term or lower mtu"
              .formatted(PATH, bulkTermBytes, LogSizing.TERM_FRAMES, mtuBytes));
    }
  }

  private static void checkTerm(String key, int bytes, boolean zeroMeansAuto) {
    if ((bytes != 0 || !zeroMeansAuto) && Integer.bitCount(bytes) != 1) {
      throw new ConfigurationException(
          "%s.%s=%d bytes is no power of two; set %d bytes"
              .formatted(PATH, key, bytes, Integer.highestOneBit(bytes)));
    }
  }

  /**
   * Reads {@code kvasir.transport.sizing}.
   *
   * @param config resolved, with reference.conf behind it
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static SizingSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, PATH);
    return new SizingSettings(
        reader.count("max-peers", 1, 1024),
        reader.count("nodes-per-host", 1, 64),
        reader.bytes("budget", 1 << 20, 1L << 44, true),
        (int) reader.bytes("bulk-term", MIN_TERM_BYTES, MAX_TERM_BYTES, true),
        (int) reader.bytes("small-term", MIN_TERM_BYTES, MAX_TERM_BYTES, false),
        (int) reader.bytes("control-term", MIN_TERM_BYTES, MAX_TERM_BYTES, false),
        reader.count("mtu", MIN_MTU_BYTES, MAX_MTU_BYTES),
        reader.bytes("bandwidth-per-second", 1_000_000, 1_000_000_000_000L, false),
        reader.duration("round-trip", Duration.ofNanos(1000), Duration.ofSeconds(10)));
  }

  /** The values of {@code reference.conf}. */
  public static SizingSettings defaults() {
    return from(ConfigFactory.defaultReference());
  }

  /** The same, some keys of {@code kvasir.transport.sizing} set anew and checked again. */
  public SizingSettings change(Map<String, ?> keys) {
    return from(ConfigFactory.parseMap(keys).atPath(PATH).withFallback(toConfig()));
  }

  /** What {@link #from} reads back to an equal record. */
  public Config toConfig() {
    Map<String, Object> keys = new HashMap<>();
    keys.put("max-peers", maxPeers);
    keys.put("nodes-per-host", nodesPerHost);
    keys.put("budget", budgetBytes);
    keys.put("bulk-term", bulkTermBytes);
    keys.put("small-term", smallTermBytes);
    keys.put("control-term", controlTermBytes);
    keys.put("mtu", mtuBytes);
    keys.put("bandwidth-per-second", bandwidthBytesPerSecond);
    keys.put("round-trip", roundTrip.toNanos() + " ns");
    return ConfigFactory.parseMap(keys).atPath(PATH);
  }
}
