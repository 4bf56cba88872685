package io.kvasir.actors.gateway;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The models that a node offers, by all their names. Safe from any thread. */
public final class ServedModels {
  private final List<ServedModel> all;
  private final Map<String, ServedModel> byName = new HashMap<>();

  /**
   * @param models at least one, no two with an id or alias in common
   */
  public ServedModels(List<ServedModel> models) {
    all = List.copyOf(models);
    for (ServedModel model : all) {
      model.names().forEach(name -> byName.put(name, model));
    }
  }

  /** In the order of the configuration. */
  public List<ServedModel> all() {
    return all;
  }

  /** The one that is meant where none is named. */
  ServedModel first() {
    return all.getFirst();
  }

  /** The model of this id or alias, or null. */
  public ServedModel find(String name) {
    return byName.get(name);
  }

  /**
   * The model that a request asks for, which from then on counts as that model's.
   *
   * @throws ApiException 404 when there is none of that name, 403 when the tenant may not use it
   */
  ServedModel select(String name, RequestScope scope) {
    ServedModel model = find(name);
    if (model == null) {
      throw unknown(name);
    }
    scope.model(model.id(), name);
    return model;
  }

  /** Refuses what no model of the node could answer now, before its body is read. */
  void requireAny() {
    for (ServedModel model : all) {
      if (model.state() instanceof ServedModel.Ready) {
        return;
      }
    }
    for (ServedModel model : all) {
      if (model.state() instanceof ServedModel.Loading) {
        model.orThrow();
      }
    }
    first().orThrow();
  }

  static ApiException unknown(String name) {
    return ApiException.refused(
        404,
        "model",
        "model_not_found",
        "model %s is not served here, ask for one that GET /v1/models lists"
            .formatted(name.length() <= 80 ? name : name.substring(0, 77) + "..."));
  }
}
