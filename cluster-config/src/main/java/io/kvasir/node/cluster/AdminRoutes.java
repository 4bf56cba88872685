package io.kvasir.node.cluster;

import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.server.AllDirectives;
import org.apache.pekko.http.javadsl.server.Route;
import org.apache.pekko.management.javadsl.ManagementRouteProvider;
import org.apache.pekko.management.javadsl.ManagementRouteProviderSettings;

/** {@code GET /kvasir/cluster} beside Pekko Management's own routes. Created by Pekko. */
public final class AdminRoutes extends AllDirectives implements ManagementRouteProvider {
  private final NodeStatus.Holder.Slot slot;

  /** As Pekko Management calls it. */
  public AdminRoutes(ExtendedActorSystem system) {
    this.slot = NodeStatus.Holder.of(system);
  }

  @Override
  public Route routes(ManagementRouteProviderSettings settings) {
    return pathPrefix("kvasir", () -> path("cluster", () -> get(this::answer)));
  }

  private Route answer() {
    NodeStatus status = slot.get();
    return status == null
        ? complete(StatusCodes.SERVICE_UNAVAILABLE, "the node is starting, try again in a second")
        : onSuccess(
            status.document(),
            document ->
                complete(
                    StatusCodes.OK, HttpEntities.create(ContentTypes.APPLICATION_JSON, document)));
  }
}
