package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * Settings of a device actor.
 *
 * @param attachTimeout how long an accepted request may stay without a reader
 * @param loaderDispatcher config path of the bounded dispatcher on which weights are loaded
 */
public record GpuSettings(Duration attachTimeout, String loaderDispatcher) {
  static GpuSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.actors.gpu");
    return new GpuSettings(
        reader.duration("attach-timeout", Duration.ofMillis(100), Duration.ofMinutes(10)),
        reader.key("loader-dispatcher"));
  }
}
