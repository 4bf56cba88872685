package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.util.List;

/**
 * Everything a node can be told, checked. Immutable.
 *
 * @param models at least one
 */
public record KvasirSettings(
    List<RuntimeSettings> models, GpuSettings gpu, GatewaySettings gateway) {
  public KvasirSettings {
    models = List.copyOf(models);
  }

  /** The first model: the one that is meant where none is named. */
  public RuntimeSettings runtime() {
    return models.getFirst();
  }

  /**
   * Reads {@code kvasir.*}.
   *
   * @param config resolved, with the reference.conf of the modules behind it (as {@code
   *     ActorSystem.settings().config()} is)
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static KvasirSettings from(Config config) {
    return new KvasirSettings(
        RuntimeSettings.allFrom(config), GpuSettings.from(config), GatewaySettings.from(config));
  }
}
