package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * The host tier of a node and what it lends to peers; each value is described in {@code
 * reference.conf}. Immutable.
 *
 * @param hostBytes 0 = chosen from the machine's memory
 * @param maxModels whose blocks a node without devices keeps
 */
public record TierSettings(
    long hostBytes,
    int maxModels,
    CopyDown copyDown,
    int copyQueueBlocks,
    int copyBatchBlocks,
    Duration copyDelay,
    Duration relistenInterval,
    int maxLeases,
    int maxBorrows,
    int batchBlocks,
    Duration borrowTtl,
    Duration loanDeadline,
    Duration guard,
    Duration pinTtl,
    Duration lookupDeadline,
    int maxFetches,
    Priors priors,
    Bypass bypass,
    String dispatcher) {
  /** Config path. */
  public static final String PATH = "kvasir.actors.tier";

  /** Which new blocks go down to the host tier. */
  public enum CopyDown {
    ALWAYS,
    SECOND_TOUCH,
    OFF
  }

  /**
   * Rates that hold until the first measurement.
   *
   * @param hostBytesPerSecond from the host tier onto the device
   * @param peerBytesPerSecond from a peer into the host tier
   * @param fixed cost of a load beside its bytes
   * @param prefillTokensPerSecond computing
   */
  public record Priors(
      long hostBytesPerSecond,
      long peerBytesPerSecond,
      Duration fixed,
      int prefillTokensPerSecond) {}

  /**
   * When a source is left out.
   *
   * @param losses loads in a row that took longer than computing would have
   * @param first how long it is then left out; doubled each time that the probe after it loses
   * @param limit longest such time
   */
  public record Bypass(int losses, Duration first, Duration limit) {}

  private static final Duration SHORTEST = Duration.ofMillis(1);
  private static final Duration LONGEST = Duration.ofMinutes(10);

  /**
   * Reads {@code kvasir.actors.tier}.
   *
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static TierSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, PATH);
    SettingsReader priors = reader.below("priors");
    SettingsReader bypass = reader.below("bypass");
    String copyDown = reader.choice("copy-down", List.of("always", "second-touch", "off"));
    TierSettings settings =
        new TierSettings(
            reader.text("host-bytes").equals("auto")
                ? 0
                : reader.bytes("host-bytes", 1 << 20, 1L << 44),
            reader.count("max-models", 1, 64),
            CopyDown.valueOf(copyDown.replace('-', '_').toUpperCase(Locale.ROOT)),
            reader.count("copy-queue-blocks", 1, 1 << 20),
            reader.count("copy-batch-blocks", 1, 1024),
            reader.duration("copy-delay", Duration.ofMillis(1), Duration.ofSeconds(10)),
            reader.duration("relisten-interval", SHORTEST, LONGEST),
            reader.count("max-leases", 1, 1 << 20),
            reader.count("max-borrows", 1, 1024),
            reader.count("batch-blocks", 1, 1024),
            reader.duration("borrow-ttl", SHORTEST, LONGEST),
            reader.duration("loan-deadline", SHORTEST, LONGEST),
            reader.duration("guard", SHORTEST, LONGEST),
            reader.duration("pin-ttl", SHORTEST, LONGEST),
            reader.duration("lookup-deadline", SHORTEST, LONGEST),
            reader.count("max-fetches", 1, 1 << 16),
            new Priors(
                priors.bytes("host-rate", 1 << 10, 1L << 50),
                priors.bytes("peer-rate", 1 << 10, 1L << 50),
                priors.duration("fixed", Duration.ZERO, LONGEST),
                priors.count("prefill-tokens-per-second", 1, Integer.MAX_VALUE)),
            new Bypass(
                bypass.count("losses", 1, 1000),
                bypass.duration("first", SHORTEST, LONGEST),
                bypass.duration("limit", SHORTEST, Duration.ofDays(1))),
            reader.key("dispatcher"));
    if (settings.guard.compareTo(settings.borrowTtl) >= 0) {
      throw new ConfigurationException(
          PATH
              + ".guard="
              + SettingsReader.show(settings.guard)
              + " leaves nothing of borrow-ttl="
              + SettingsReader.show(settings.borrowTtl)
              + "; lower guard");
    }
    return settings;
  }

  /** The same with another size of the host tier. */
  public TierSettings withHostBytes(long bytes) {
    return new TierSettings(
        bytes,
        maxModels,
        copyDown,
        copyQueueBlocks,
        copyBatchBlocks,
        copyDelay,
        relistenInterval,
        maxLeases,
        maxBorrows,
        batchBlocks,
        borrowTtl,
        loanDeadline,
        guard,
        pinTtl,
        lookupDeadline,
        maxFetches,
        priors,
        bypass,
        dispatcher);
  }
}
