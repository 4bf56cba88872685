package io.kvasir.node;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.core.joran.spi.JoranException;
import com.typesafe.config.Config;
import io.kvasir.actors.settings.ConfigurationException;
import java.util.Locale;
import org.slf4j.LoggerFactory;

/** Sets the process's log format from the configuration. Main thread, before others log. */
final class NodeLogging {
  private static final String KEY = "kvasir.node.log-format";

  /** TEXT is what logback.xml sets up without being asked. */
  private enum Format {
    TEXT,
    JSON
  }

  private NodeLogging() {}

  /**
   * Checks {@code kvasir.node.log-format}.
   *
   * @throws ConfigurationException naming the accepted values
   */
  static void check(Config config) {
    format(config.getString(KEY));
  }

  /**
   * Applies {@code kvasir.node.log-format}; another logging backend than logback is left alone.
   *
   * @throws ConfigurationException naming the accepted values
   */
  static void apply(Config config) {
    Format format = format(config.getString(KEY));
    // First and from one thread: several at once would make SLF4J complain.
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context
        && format == Format.JSON) {
      reconfigure(context);
    }
  }

  /** Warnings only, unless KVASIR_LOG_LEVEL asks for more: a person is reading. */
  static void quieten() {
    if (System.getenv("KVASIR_LOG_LEVEL") == null
        && LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
      root.setLevel(Level.WARN);
      // Who was lost and removed: the demonstration says in its own words who ended.
      root.getLoggerContext().getLogger("org.apache.pekko.cluster.sbr").setLevel(Level.WARN);
    }
  }

  private static void reconfigure(LoggerContext context) {
    JoranConfigurator configurator = new JoranConfigurator();
    context.reset();
    configurator.setContext(context);
    try {
      configurator.doConfigure(NodeLogging.class.getResource("/logback-json.xml"));
    } catch (JoranException failure) {
      throw new IllegalStateException("logback-json.xml of the jar cannot be read", failure);
    }
  }

  private static Format format(String value) {
    for (Format format : Format.values()) {
      if (format.name().equals(value.toUpperCase(Locale.ROOT))) {
        return format;
      }
    }
    throw new ConfigurationException(KEY + "=" + value + " is unknown; set text or json");
  }
}
