package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** Reads bounded values below one config path; every refusal names key, value, bound and remedy. */
final class SettingsReader {
  private final String path;
  private final Config config;

  SettingsReader(Config root, String path) {
    this.path = path;
    this.config = read(path, "an object", () -> root.getConfig(path));
  }

  /** Reads {@code config} itself, which messages call {@code label}. */
  static SettingsReader of(Config config, String label) {
    return new SettingsReader(label, config);
  }

  private SettingsReader(String label, Config config) {
    this.path = label;
    this.config = config;
  }

  /** What lies below {@code key}. */
  SettingsReader below(String key) {
    return new SettingsReader(key(key), read(key(key), "an object", () -> config.getConfig(key)));
  }

  String text(String key) {
    return read(key(key), "a text", () -> config.getString(key));
  }

  boolean flag(String key) {
    return read(key(key), "true or false", () -> config.getBoolean(key));
  }

  /** A list of at most {@code max} texts. */
  List<String> texts(String key, int max) {
    List<String> values = read(key(key), "a list of texts", () -> config.getStringList(key));
    if (values.size() > max) {
      throw new ConfigurationException(
          key(key) + " has " + values.size() + " entries; the limit is " + max + ", remove some");
    }
    return values;
  }

  /** The names in an object. */
  Set<String> names(String key) {
    return read(key(key), "an object", () -> config.getObject(key)).keySet();
  }

  /** A list of at most {@code max} objects. */
  List<? extends Config> objects(String key, int max) {
    List<? extends Config> values =
        read(key(key), "a list of objects", () -> config.getConfigList(key));
    if (values.size() > max) {
      throw new ConfigurationException(
          key(key) + " has " + values.size() + " entries; the limit is " + max + ", remove some");
    }
    return values;
  }

  /** All below the path. */
  Config config() {
    return config;
  }

  /** One of {@code allowed}. */
  String choice(String key, List<String> allowed) {
    String value = text(key);
    if (!allowed.contains(value)) {
      throw new ConfigurationException(
          key(key) + "=" + value + " is unknown; set one of " + String.join(", ", allowed));
    }
    return value;
  }

  int count(String key, int min, int max) {
    long value = read(key(key), "a whole number", () -> config.getLong(key));
    checkRange(key, Long.toString(value), value, min, max, Integer.toString(min), "" + max);
    return (int) value;
  }

  /** A size such as {@code 64 MiB}. */
  long bytes(String key, long min, long max) {
    long value = read(key(key), "a size such as 64 MiB", () -> config.getBytes(key));
    checkRange(key, value + " bytes", value, min, max, min + " bytes", max + " bytes");
    return value;
  }

  /** A duration such as {@code 10 s}. */
  Duration duration(String key, Duration min, Duration max) {
    Duration value = read(key(key), "a duration such as 10 s", () -> config.getDuration(key));
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      throw outOfRange(key, show(value), show(min), show(max));
    }
    return value;
  }

  private void checkRange(
      String key, String shown, long value, long min, long max, String low, String high) {
    if (value < min || value > max) {
      throw outOfRange(key, shown, low, high);
    }
  }

  private ConfigurationException outOfRange(String key, String value, String low, String high) {
    return new ConfigurationException(
        key(key) + "=" + value + " is out of range; set a value between " + low + " and " + high);
  }

  String key(String key) {
    return path + "." + key;
  }

  static String show(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }

  private <T> T read(String fullKey, String kind, Supplier<T> body) {
    try {
      return body.get();
    } catch (ConfigException.Missing missing) {
      throw new ConfigurationException(
          fullKey
              + " is missing; set it to "
              + kind
              + " or keep Kvasir's reference.conf on the class path");
    } catch (ConfigException.WrongType | ConfigException.BadValue wrong) {
      throw new ConfigurationException(
          fullKey + " is not " + kind + " (" + wrong.origin().description() + "); set " + kind);
    }
  }
}
