package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * Settings of a device actor.
 *
 * @param attachTimeout how long an accepted request may stay without a reader
 * @param eventsPerCore times a second and core at which readers of tokens are told; 0 = no limit
 * @param loaderDispatcher config path of the bounded dispatcher on which weights are loaded
 */
public record GpuSettings(Duration attachTimeout, int eventsPerCore, String loaderDispatcher) {
  static GpuSettings from(Config config) {
    SettingsReader reader = new SettingsReader(config, "kvasir.actors.gpu");
    return new GpuSettings(
        reader.duration("attach-timeout", Duration.ofMillis(100), Duration.ofMinutes(10)),
        reader.count("events-per-core", 0, 1_000_000),
        reader.key("loader-dispatcher"));
  }
}
