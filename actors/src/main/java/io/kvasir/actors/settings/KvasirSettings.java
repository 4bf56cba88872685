package io.kvasir.actors.settings;

import com.typesafe.config.Config;

/** Everything a node can be told, checked. Immutable. */
public record KvasirSettings(RuntimeSettings runtime, GpuSettings gpu, GatewaySettings gateway) {
  /**
   * Reads {@code kvasir.*}.
   *
   * @param config resolved, with the reference.conf of the modules behind it (as {@code
   *     ActorSystem.settings().config()} is)
   * @throws ConfigurationException naming key, value, bound and remedy
   */
  public static KvasirSettings from(Config config) {
    return new KvasirSettings(
        RuntimeSettings.from(config), GpuSettings.from(config), GatewaySettings.from(config));
  }
}
