package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.access.Tenant;
import java.util.ArrayList;
import java.util.List;

/** What the node says about its models: which there are, and how each stands. Stateless. */
record ModelCatalogue(ServedModels models) {
  /**
   * An answer to GET /health/ready.
   *
   * @param passing whether asking again later may find it ready
   */
  record Report(int status, boolean passing, OpenAiDocuments.Health document) {}

  /** Every model and alias that the tenant may name. */
  List<OpenAiDocuments.Model> openTo(Tenant tenant) {
    List<OpenAiDocuments.Model> open = new ArrayList<>();
    for (ServedModel model : models.all()) {
      for (String name : model.names()) {
        if (mayUse(tenant, model, name)) {
          open.add(document(model, name));
        }
      }
    }
    return open;
  }

  /**
   * One of them.
   *
   * @throws ApiException 404
   */
  OpenAiDocuments.Model one(Tenant tenant, String name) {
    ServedModel model = models.find(name);
    if (model == null || !mayUse(tenant, model, name)) {
      throw ServedModels.unknown(name);
    }
    return document(model, name);
  }

  private static boolean mayUse(Tenant tenant, ServedModel model, String name) {
    return tenant.mayUse(model.id()) || tenant.mayUse(name);
  }

  private static OpenAiDocuments.Model document(ServedModel model, String name) {
    Integer contextTokens =
        model.state() instanceof ServedModel.Ready ready ? ready.maxContextTokens() : null;
    return new OpenAiDocuments.Model(
        name, "model", model.createdSeconds(), "kvasir", model.id(), null, contextTokens);
  }

  /** GET /health/live. */
  OpenAiDocuments.Health live() {
    return document("live");
  }

  /**
   * Ready when every model is and somebody computes it; a failed model stays one until somebody has
   * dealt with it.
   */
  Report readiness(boolean draining) {
    if (draining) {
      return new Report(503, false, document("draining"));
    }
    boolean failed = false;
    boolean loading = false;
    boolean alone = false;
    for (ServedModel model : models.all()) {
      failed |= model.state() instanceof ServedModel.Failed;
      loading |= model.state() instanceof ServedModel.Loading;
      alone |= !model.computed();
    }
    if (failed) {
      return new Report(503, false, document("failed"));
    }
    if (!loading && alone) {
      return new Report(503, true, document("no_node"));
    }
    return loading
        ? new Report(503, true, document("loading"))
        : new Report(200, false, document("ready"));
  }

  private OpenAiDocuments.Health document(String status) {
    List<OpenAiDocuments.ModelHealth> each = models.all().stream().map(m -> health(m)).toList();
    String reason =
        each.stream()
            .filter(model -> status.equals("failed") && model.reason() != null)
            .map(OpenAiDocuments.ModelHealth::reason)
            .findFirst()
            .orElse(null);
    return new OpenAiDocuments.Health(status, models.first().id(), reason, each);
  }

  private static OpenAiDocuments.ModelHealth health(ServedModel model) {
    return switch (model.state()) {
      case ServedModel.Ready ready ->
          new OpenAiDocuments.ModelHealth(model.id(), model.computed() ? "ready" : "no_node", null);
      case ServedModel.Loading loading ->
          new OpenAiDocuments.ModelHealth(model.id(), "loading", null);
      case ServedModel.Failed failed ->
          new OpenAiDocuments.ModelHealth(model.id(), "failed", failed.reason());
    };
  }
}
