package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.List;

/**
 * How nodes are chosen and given up; each is described in reference.conf.
 *
 * @param leastLoaded whether nodes are chosen by their load alone
 * @param hopNs what asking another node costs, before its first token
 * @param requestOverride whether a request may name its node and its sources
 */
public record ScheduleSettings(
    boolean leastLoaded,
    Duration lookupDeadline,
    Duration holdersAge,
    Duration fetchDeadline,
    Duration tick,
    Duration renewInterval,
    Duration lease,
    Duration silence,
    Duration patience,
    Duration loadInterval,
    Duration attachTimeout,
    int maxAttempts,
    int maxRequests,
    int maxSessions,
    int maxPrefixes,
    int prefillMinTokens,
    double prefillTokensPerSecond,
    double hostBytesPerSecond,
    double peerBytesPerSecond,
    long hopNs,
    boolean requestOverride) {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /**
   * Reads {@code kvasir.actors.schedule}.
   *
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static ScheduleSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.actors.schedule");
    ScheduleSettings settings =
        new ScheduleSettings(
            reader.choice("policy", List.of("prefix", "least-loaded")).equals("least-loaded"),
            reader.duration("lookup-deadline", Duration.ofMillis(1), Duration.ofSeconds(10)),
            reader.duration("holders-age", Duration.ZERO, Duration.ofSeconds(10)),
            reader.duration("fetch-deadline", Duration.ofMillis(1), MINUTE),
            reader.duration("tick", Duration.ofMillis(10), Duration.ofSeconds(1)),
            reader.duration("renew-interval", Duration.ofMillis(10), Duration.ofSeconds(10)),
            reader.duration("lease", Duration.ofMillis(100), MINUTE),
            reader.duration("silence", Duration.ofMillis(100), MINUTE),
            reader.duration("patience", Duration.ZERO, MINUTE),
            reader.duration("load-interval", Duration.ofMillis(10), Duration.ofSeconds(10)),
            GpuSettings.from(config).attachTimeout(),
            reader.count("max-attempts", 1, 100),
            reader.count("max-requests", 1, 1_000_000),
            reader.count("max-sessions", 0, 10_000_000),
            reader.count("max-prefixes", 0, 10_000_000),
            reader.count("prefill-min-tokens", 1, Integer.MAX_VALUE),
            reader.count("prefill-tokens-per-second", 1, 100_000_000),
            reader.bytes("host-bytes-per-second", 1 << 20, 1L << 44),
            reader.bytes("peer-bytes-per-second", 1 << 20, 1L << 44),
            reader.duration("hop", Duration.ZERO, Duration.ofSeconds(1)).toNanos(),
            reader.flag("request-override"));
    Duration least = settings.renewInterval().multipliedBy(3);
    settings.check(reader.key("lease"), settings.lease(), least);
    settings.check(reader.key("silence"), settings.silence(), least);
    return settings;
  }

  /** Ticks in {@code time}, at least one. */
  public int ticks(Duration time) {
    return (int) Math.max(1, (time.toNanos() + tick.toNanos() - 1) / tick.toNanos());
  }

  private void check(String key, Duration value, Duration least) {
    if (value.compareTo(least) < 0) {
      throw new ConfigurationException(
          "%s=%s is below three renewals of kvasir.actors.schedule.renew-interval=%s, so that one lost message would end a request; raise it to at least %s"
              .formatted(
                  key,
                  SettingsReader.show(value),
                  SettingsReader.show(renewInterval),
                  SettingsReader.show(least)));
    }
  }
}
