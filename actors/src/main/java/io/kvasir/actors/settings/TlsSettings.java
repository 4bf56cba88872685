package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.nio.file.Path;
import java.time.Duration;

/**
 * HTTPS of the gateway.
 *
 * @param certificate PEM file of the certificate and its chain; null = plain HTTP
 * @param key PEM file of its PKCS#8 private key; null = plain HTTP
 * @param reloadInterval how often the files are looked at
 */
public record TlsSettings(Path certificate, Path key, Duration reloadInterval) {
  static TlsSettings from(Config root) {
    String path = "kvasir.actors.gateway.tls";
    SettingsReader reader = new SettingsReader(root, path);
    String certificate = reader.text("certificate");
    String key = reader.text("key");
    if (certificate.isEmpty() != key.isEmpty()) {
      throw new ConfigurationException(
          "%s.%s is set and %s.%s is not; set both for HTTPS, or none for HTTP"
              .formatted(
                  path,
                  certificate.isEmpty() ? "key" : "certificate",
                  path,
                  certificate.isEmpty() ? "certificate" : "key"));
    }
    return new TlsSettings(
        certificate.isEmpty() ? null : Path.of(certificate),
        key.isEmpty() ? null : Path.of(key),
        reader.duration("reload-interval", Duration.ofMillis(50), Duration.ofDays(1)));
  }

  /** True when the gateway speaks HTTPS. */
  public boolean enabled() {
    return certificate != null;
  }
}
