package io.kvasir.actors.gateway;

import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.GatewaySettings;
import java.net.InetAddress;
import java.net.UnknownHostException;

/** Keeps a node without keys from listening to more than its own machine. */
public final class Exposure {
  private Exposure() {}

  /**
   * Checks who can reach the address.
   *
   * @throws ConfigurationException when anybody could, without a key and without being meant to
   */
  public static void check(GatewaySettings settings) {
    if (!settings.access().tenants().isEmpty() || settings.access().anonymous()) {
      return;
    }
    boolean loopback;
    try {
      loopback = InetAddress.getByName(settings.host()).isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      // Binding to it fails, and says so.
      return;
    }
    if (!loopback) {
      throw new ConfigurationException(
          "kvasir.actors.gateway.host=%s is reachable from other machines and no tenant has a key; create one with `kvasir keys create`, or set kvasir.actors.gateway.access.anonymous=true to serve everyone"
              .formatted(settings.host()));
    }
  }
}
