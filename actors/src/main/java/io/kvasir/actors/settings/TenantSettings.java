package io.kvasir.actors.settings;

import com.typesafe.config.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * One tenant: whose keys they are, and what it may use. 0 = no bound of its own.
 *
 * @param name label of metrics and salt of its block keys
 * @param maxRequests in progress at once
 * @param requestsPerMinute refilled steadily
 * @param tokensPerMinute prompt and answer together, refilled steadily
 * @param maxContextTokens of one request, prompt and answer together
 * @param models ids it may name; empty = all
 */
public record TenantSettings(
    String name,
    List<KeyHash> keys,
    int maxRequests,
    int requestsPerMinute,
    int tokensPerMinute,
    int maxContextTokens,
    Set<String> models) {
  private static final int MAX_KEYS = 64;
  private static final int MAX_MODELS = 256;

  public TenantSettings {
    keys = List.copyOf(keys);
    models = Set.copyOf(models);
  }

  /** A tenant without any bound of its own. */
  public static TenantSettings unlimited(String name) {
    return new TenantSettings(name, List.of(), 0, 0, 0, 0, Set.of());
  }

  static TenantSettings from(String name, Config root, String path) {
    SettingsReader reader = new SettingsReader(root, path);
    List<KeyHash> keys = new ArrayList<>();
    for (String line : reader.texts("keys", MAX_KEYS)) {
      // The line itself stays out of the message: it may be a key pasted in the wrong place.
      keys.add(
          KeyHash.parse(line)
              .orElseThrow(
                  () ->
                      new ConfigurationException(
                          reader.key("keys")
                              + " has an entry that is no sha256:ID:SALT:HASH; add the line that"
                              + " `kvasir keys create --tenant "
                              + name
                              + "` prints")));
    }
    return new TenantSettings(
        name,
        keys,
        reader.count("max-requests", 0, 1_000_000),
        reader.count("requests-per-minute", 0, Integer.MAX_VALUE),
        reader.count("tokens-per-minute", 0, Integer.MAX_VALUE),
        reader.count("max-context-tokens", 0, 1 << 24),
        Set.copyOf(reader.texts("models", MAX_MODELS)));
  }
}
