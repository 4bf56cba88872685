package io.kvasir.transport.driver;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads bounded values below one config path; every refusal names key, value, bound and remedy. */
final class SettingsReader {
  private final String path;
  private final Config config;

  SettingsReader(Config root, String path) {
    this.path = path;
    this.config = read(path, "an object", () -> root.getConfig(path));
  }

  String text(String key) {
    return read(path + "." + key, "a text", () -> config.getString(key));
  }

  List<String> texts(String key) {
    return read(path + "." + key, "a list of texts", () -> config.getStringList(key));
  }

  <E extends Enum<E>> E choice(String key, Class<E> type) {
    String value = text(key);
    return Stream.of(type.getEnumConstants())
        .filter(constant -> spelled(constant).equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "%s.%s=%s is unknown; set one of %s"
                        .formatted(
                            path,
                            key,
                            value,
                            Stream.of(type.getEnumConstants())
                                .map(SettingsReader::spelled)
                                .collect(Collectors.joining(", ")))));
  }

  /** An enum constant as configuration spells it. */
  static String spelled(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  int count(String key, int min, int max) {
    long value = read(path + "." + key, "a whole number", () -> config.getLong(key));
    if (value < min || value > max) {
      throw outOfRange(key, Long.toString(value), Integer.toString(min), Integer.toString(max));
    }
    return (int) value;
  }

  /** A size such as {@code 64 MiB}; {@code 0} is in range where {@code zeroMeansAuto}. */
  long bytes(String key, long min, long max, boolean zeroMeansAuto) {
    long value = read(path + "." + key, "a size such as 64 MiB", () -> config.getBytes(key));
    if ((value < min || value > max) && !(zeroMeansAuto && value == 0)) {
      throw outOfRange(
          key,
          value + " bytes",
          (zeroMeansAuto ? "0 (derived) or " : "") + min + " bytes",
          max + " bytes");
    }
    return value;
  }

  /** A duration such as {@code 10 s}. */
  Duration duration(String key, Duration min, Duration max) {
    Duration value =
        read(path + "." + key, "a duration such as 10 s", () -> config.getDuration(key));
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      throw outOfRange(key, show(value), show(min), show(max));
    }
    return value;
  }

  private ConfigurationException outOfRange(String key, String value, String low, String high) {
    return new ConfigurationException(
        "%s.%s=%s is out of range; set a value between %s and %s"
            .formatted(path, key, value, low, high));
  }

  static String show(Duration duration) {
    if (duration.toNanos() % 1_000_000 != 0) {
      return duration.toNanos() / 1000 + " us";
    }
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }

  private static <T> T read(String fullKey, String kind, Supplier<T> body) {
    try {
      return body.get();
    } catch (ConfigException.Missing missing) {
      throw new ConfigurationException(
          "%s is missing; set it to %s or keep Kvasir's reference.conf on the class path"
              .formatted(fullKey, kind));
    } catch (ConfigException.WrongType | ConfigException.BadValue wrong) {
      throw new ConfigurationException(
          "%s is not %s (%s); set %s".formatted(fullKey, kind, wrong.origin().description(), kind));
    }
  }
}
