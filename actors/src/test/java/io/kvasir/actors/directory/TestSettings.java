package io.kvasir.actors.directory;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.DirectorySettings;

/** Settings of tests. */
final class TestSettings {
  private TestSettings() {}

  /** Those shipped, with these lines of HOCON below {@code kvasir.actors.directory}. */
  static DirectorySettings with(String lines) {
    return DirectorySettings.from(
        ConfigFactory.parseString("kvasir.actors.directory {\n" + lines + "\n}")
            .withFallback(ConfigFactory.load()));
  }
}
