package io.kvasir.node;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Puts the aliases of the command line where the configuration keeps them. Stateless. */
final class ModelAliases {
  private static final String MODELS = RuntimeSettings.PATH + ".models";
  private static final String ALIASES = "aliases";
  private static final String ORIGIN = "command line --alias";

  private ModelAliases() {}

  /**
   * Adds to each model its aliases.
   *
   * @param aliases alias → id or location of a model
   * @throws ConfigurationException when one names no model of the configuration
   */
  static Config add(Config config, Map<String, String> aliases) {
    Config out = config;
    for (Map.Entry<String, String> alias : aliases.entrySet()) {
      List<RuntimeSettings> models = KvasirSettings.from(out).models();
      int index = indexOf(models, alias);
      List<String> names = new ArrayList<>(models.get(index).aliases());
      names.add(alias.getKey());
      ConfigValue value = ConfigValueFactory.fromIterable(names, ORIGIN);
      List<? extends ConfigObject> entries = out.getObjectList(MODELS);
      if (entries.isEmpty()) {
        out = out.withValue(RuntimeSettings.PATH + "." + ALIASES, value);
      } else {
        List<ConfigObject> changed = new ArrayList<>(entries);
        changed.set(index, entries.get(index).withValue(ALIASES, value));
        out = out.withValue(MODELS, ConfigValueFactory.fromIterable(changed, ORIGIN));
      }
    }
    return out;
  }

  private static int indexOf(List<RuntimeSettings> models, Map.Entry<String, String> alias) {
    for (int i = 0; i < models.size(); i++) {
      RuntimeSettings model = models.get(i);
      if (alias.getValue().equals(model.modelId()) || alias.getValue().equals(model.model())) {
        return i;
      }
    }
    throw new ConfigurationException(
        "--alias %s=%s names no model that is served, use one of %s"
            .formatted(
                alias.getKey(),
                alias.getValue(),
                models.stream().map(RuntimeSettings::modelId).toList()));
  }
}
