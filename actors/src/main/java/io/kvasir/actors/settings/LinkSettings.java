package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import io.kvasir.transport.Transports.Encryption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * How a node's block transport meets those of its peers; each value is described in {@code
 * reference.conf}. The media driver itself is set under {@code kvasir.transport.driver}.
 *
 * @param udpHost address that peers on other hosts send to; empty = shared memory only
 * @param udpPort 0 = any free port
 * @param sharedMemory whether peers on this host may read this node's blocks where they lie
 * @param attemptTimeout an unanswered message is sent again after this
 * @param backoffLimit longest wait between two attempts
 * @param rotationInterval keys are replaced after this
 * @param maxPeers links kept at a time
 */
public record LinkSettings(
    String udpHost,
    int udpPort,
    Encryption encryption,
    boolean sharedMemory,
    Duration attemptTimeout,
    Duration backoffLimit,
    Duration checkInterval,
    Duration rotationInterval,
    int maxPeers) {
  /** Config path. */
  public static final String PATH = "kvasir.actors.link";

  /**
   * Reads {@code kvasir.actors.link}.
   *
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static LinkSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, PATH);
    String encryption = reader.choice("encryption", List.of("auto", "always", "never"));
    return new LinkSettings(
        reader.text("udp-host"),
        reader.count("udp-port", 0, 65_535),
        Encryption.valueOf(encryption.toUpperCase(Locale.ROOT)),
        reader.flag("shared-memory"),
        reader.duration("attempt-timeout", Duration.ofMillis(50), Duration.ofMinutes(1)),
        reader.duration("backoff-limit", Duration.ofMillis(50), Duration.ofMinutes(10)),
        reader.duration("check-interval", Duration.ofMillis(100), Duration.ofMinutes(10)),
        reader.duration("rotation-interval", Duration.ofSeconds(1), Duration.ofDays(7)),
        reader.count("max-peers", 1, 1024));
  }
}
