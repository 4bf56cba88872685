package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DriverSettingsTest {
  private static Config config(String overrides) {
    return ConfigFactory.parseString(
            overrides, ConfigParseOptions.defaults().setOriginDescription("test"))
        .withFallback(ConfigFactory.defaultReference())
        .resolve();
  }

  @Test
  void shouldReadTheReference() {
    DriverSettings settings = DriverSettings.defaults();
    assertEquals(DriverSettings.Mode.EMBEDDED, settings.mode());
    assertEquals(Duration.ofSeconds(10), settings.driverTimeout());
    assertEquals(
        "kvasir-" + System.getProperty("user.name"), settings.baseFolder().getFileName() + "");
    assertEquals(256 << 10, SizingSettings.defaults().smallTermBytes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "driver.mode=own | kvasir.transport.driver.mode=own is unknown; set one of embedded, host,"
            + " external",
        "driver.mode=external | kvasir.transport.driver.external-folder is empty but mode=external"
            + " needs it; set it to the Aeron folder of the running driver",
        "driver.driver-timeout=1ms | kvasir.transport.driver.driver-timeout=1 ms is out of range;"
            + " set a value between 100 ms and 600 s",
        "driver.idle-exit=1s | kvasir.transport.driver.idle-exit=1 s is below driver-timeout=10 s,"
            + " so a driver could end while a node attaches; raise idle-exit",
        "driver.sweep-age=15s | kvasir.transport.driver.sweep-age=15 s is below twice"
            + " driver-timeout=10 s, so a slow driver's folder could be swept; raise sweep-age",
        "driver.jvm-flags=x | kvasir.transport.driver.jvm-flags is not a list of texts (test: 1);"
            + " set a list of texts",
        "sizing.max-peers=0 | kvasir.transport.sizing.max-peers=0 is out of range; set a value"
            + " between 1 and 1024",
        "sizing.bulk-term=1000000 | kvasir.transport.sizing.bulk-term=1000000 bytes is no power of"
            + " two; set 524288 bytes",
        "sizing.bulk-term=1 | kvasir.transport.sizing.bulk-term=1 bytes is out of range; set a"
            + " value between 0 (derived) or 65536 bytes and 1073741824 bytes",
        "sizing.mtu=1500 | kvasir.transport.sizing.mtu=1500 is no multiple of 32; set 1472",
        "sizing { mtu = 65504, bulk-term = 64 KiB } | kvasir.transport.sizing.bulk-term=65536 bytes"
            + " holds fewer than 8 frames of mtu=65504 bytes; raise bulk-term or lower mtu",
        "sizing.round-trip=soon | kvasir.transport.sizing.round-trip is not a duration such as 10 s"
            + " (test: 1); set a duration such as 10 s",
        "sizing.budget=null | kvasir.transport.sizing.budget is missing; set it to a size such as"
            + " 64 MiB or keep Kvasir's reference.conf on the class path",
      })
  void shouldNameKeyValueBoundAndRemedy(String overrides, String message) {
    Config config = config("kvasir.transport." + overrides);
    assertEquals(
        message,
        assertThrows(
                ConfigurationException.class,
                () -> {
                  DriverSettings.from(config);
                  SizingSettings.from(config);
                })
            .getMessage());
  }

  @Test
  void shouldSurviveTheWayToTheDriversProcess() {
    DriverSettings settings =
        DriverSettings.defaults()
            .withBaseFolder(Path.of("/x y"))
            .withMode(DriverSettings.Mode.HOST)
            .scaled(0.1);
    SizingSettings sizing =
        SizingSettings.defaults().change(Map.of("max-peers", 50, "round-trip", "1500 ns"));
    String sent =
        settings
            .toConfig()
            .withFallback(sizing.toConfig())
            .root()
            .render(ConfigRenderOptions.concise());
    assertEquals(settings, DriverSettings.from(config(sent)));
    assertEquals(sizing, SizingSettings.from(config(sent)));
    assertEquals(Duration.ofSeconds(1), settings.driverTimeout());
    assertTrue(settings.startTimeout().equals(DriverSettings.defaults().startTimeout()));
  }
}
