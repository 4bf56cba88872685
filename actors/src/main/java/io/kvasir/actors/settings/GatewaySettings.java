package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * Settings of the HTTP gateway; each is described in reference.conf.
 *
 * @param port 0 = any free port
 * @param workerDispatcher config path of the bounded dispatcher for parsing and tokenising
 */
public record GatewaySettings(
    String host,
    int port,
    int maxConnections,
    int maxRequests,
    long maxBodyBytes,
    long maxBodiesBytes,
    int defaultMaxTokens,
    Duration bodyTimeout,
    Duration requestTimeout,
    Duration askTimeout,
    Duration writeTimeout,
    Duration keepAliveInterval,
    int streamInterval,
    Duration retryAfter,
    Duration stopTimeout,
    Duration idleTimeout,
    AccessSettings access,
    TlsSettings tls,
    String workerDispatcher) {
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration TENTH = Duration.ofMillis(100);

  static GatewaySettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.actors.gateway");
    GatewaySettings settings =
        new GatewaySettings(
            reader.text("host"),
            reader.count("port", 0, 65535),
            reader.count("max-connections", 1, 1_000_000),
            reader.count("max-requests", 1, 1_000_000),
            reader.bytes("max-body", 1024, 1L << 30),
            reader.bytes("max-bodies", 1024, 1L << 40),
            reader.count("default-max-tokens", 1, 1 << 20),
            reader.duration("body-timeout", TENTH, DAY),
            reader.duration("request-timeout", TENTH, DAY),
            reader.duration("ask-timeout", TENTH, DAY),
            reader.duration("write-timeout", TENTH, DAY),
            reader.duration("keep-alive-interval", TENTH, DAY),
            reader.count("stream-interval", 1, 1 << 20),
            reader.duration("retry-after", Duration.ofSeconds(1), DAY),
            reader.duration("stop-timeout", Duration.ZERO, DAY),
            reader.duration("idle-timeout", TENTH, DAY),
            AccessSettings.from(config),
            TlsSettings.from(config),
            reader.key("worker-dispatcher"));
    if (settings.maxBodiesBytes() < settings.maxBodyBytes()) {
      throw new ConfigurationException(
          "kvasir.actors.gateway.max-bodies="
              + settings.maxBodiesBytes()
              + " bytes is below max-body="
              + settings.maxBodyBytes()
              + " bytes, so the largest body could never pass; raise max-bodies or lower max-body");
    }
    return settings;
  }
}
