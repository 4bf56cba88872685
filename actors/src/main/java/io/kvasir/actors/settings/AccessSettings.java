package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Who may use the API.
 *
 * @param anonymous true lets a node without tenants listen beyond the loopback interface
 * @param tenants by name; empty = nobody needs a key
 */
public record AccessSettings(boolean anonymous, List<TenantSettings> tenants) {
  private static final String PATH = "kvasir.actors.gateway.access";
  private static final int MAX_TENANTS = 1000;
  // A label of metrics, a key of HOCON without quotes, and a salt: one plain word.
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,62}");

  public AccessSettings {
    tenants = List.copyOf(tenants);
  }

  /** True for a name that a tenant can have. */
  public static boolean isTenantName(String name) {
    return NAME.matcher(name).matches();
  }

  static AccessSettings from(Config root) {
    SettingsReader reader = new SettingsReader(root, PATH);
    Set<String> names = new TreeSet<>(reader.names("tenants"));
    if (names.size() > MAX_TENANTS) {
      throw new ConfigurationException(
          "%s.tenants has %d entries, the limit is %d; merge some or run a second node"
              .formatted(PATH, names.size(), MAX_TENANTS));
    }
    List<TenantSettings> tenants = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    for (String name : names) {
      if (!isTenantName(name)) {
        throw new ConfigurationException(
            "%s.tenants has the name \"%s\"; use up to 63 of a-z, 0-9, _ and -"
                .formatted(PATH, name));
      }
      TenantSettings tenant = tenant(root, name);
      for (KeyHash key : tenant.keys()) {
        if (!ids.add(key.id())) {
          throw new ConfigurationException(
              "%s.tenants.%s.keys has key id %s, which is listed already; remove one of the two"
                  .formatted(PATH, name, key.id()));
        }
      }
      tenants.add(tenant);
    }
    return new AccessSettings(reader.flag("anonymous"), tenants);
  }

  private static TenantSettings tenant(Config root, String name) {
    String path = PATH + ".tenants." + name;
    Config own = new SettingsReader(root, path).config();
    Config defaults = new SettingsReader(root, PATH + ".tenant-defaults").config();
    Config merged = ConfigFactory.empty().withValue(path, own.withFallback(defaults).root());
    return TenantSettings.from(name, merged, path);
  }
}
