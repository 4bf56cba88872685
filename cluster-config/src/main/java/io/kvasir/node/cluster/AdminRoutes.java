package io.kvasir.node.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.Config;
import io.kvasir.actors.api.NodeAdmin;
import io.kvasir.runtime.blocks.Residence;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.server.AllDirectives;
import org.apache.pekko.http.javadsl.server.Route;
import org.apache.pekko.management.javadsl.ManagementRouteProvider;
import org.apache.pekko.management.javadsl.ManagementRouteProviderSettings;

/**
 * What a node tells and does for its operator, beside Pekko Management's own routes: {@code GET
 * /metrics}, {@code GET /kvasir/cluster}, {@code GET /kvasir/memory}, {@code POST
 * /kvasir/cache/clear}, {@code POST /kvasir/calibrate}. What changes the node is served on the
 * loopback interface, elsewhere only where it is configured. Created by Pekko; any thread.
 */
public final class AdminRoutes extends AllDirectives implements ManagementRouteProvider {
  private static final String ACTIONS = ClusterConfig.PATH + ".admin.actions";
  private static final String STARTING = "the node is starting, try again in a second";

  private static final Duration CALIBRATION = Duration.ofMinutes(5);

  private final ObjectMapper json = new ObjectMapper();
  private final NodeStatus.Holder.Slot slot;
  private final boolean actions;

  /** As Pekko Management calls it. */
  public AdminRoutes(ExtendedActorSystem system) {
    this.slot = NodeStatus.Holder.of(system);
    Config config = system.settings().config();
    this.actions = config.getBoolean(ACTIONS) || isLoopback(config);
  }

  private static boolean isLoopback(Config config) {
    try {
      return InetAddress.getByName(config.getString(ClusterConfig.PATH + ".admin.host"))
          .isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      return false;
    }
  }

  @Override
  public Route routes(ManagementRouteProviderSettings settings) {
    return concat(
        path("metrics", () -> get(() -> answer(status -> text(status.admin().scrape())))),
        pathPrefix(
            "kvasir",
            () ->
                concat(
                    path("cluster", () -> get(this::cluster)),
                    path(
                        "memory", () -> get(() -> answer(status -> json(status.admin().memory())))),
                    path("calibrate", this::calibrate),
                    path("cache", "clear", this::clear))));
  }

  private Route path(String first, String second, java.util.function.Supplier<Route> inner) {
    return pathPrefix(first, () -> path(second, inner));
  }

  private Route answer(Function<NodeStatus, HttpResponse> body) {
    NodeStatus status = slot.get();
    return status == null
        ? complete(StatusCodes.SERVICE_UNAVAILABLE, STARTING)
        : complete(body.apply(status));
  }

  private Route cluster() {
    NodeStatus status = slot.get();
    return status == null
        ? complete(StatusCodes.SERVICE_UNAVAILABLE, STARTING)
        : onSuccess(
            status.document(), document -> complete(body(ContentTypes.APPLICATION_JSON, document)));
  }

  private Route clear() {
    return post(
        () ->
            parameterOptional(
                "tiers",
                tiers ->
                    act(
                        admin -> {
                          Set<Residence> named = tiers(tiers.orElse("device,host"));
                          return admin.clear(named).thenApply(AdminRoutes::cleared);
                        })));
  }

  private Route calibrate() {
    return post(
        () ->
            withRequestTimeout(
                CALIBRATION,
                () ->
                    act(
                        admin ->
                            admin
                                .calibrate()
                                .thenApply(
                                    models -> Map.of("node", admin.name(), "models", models)))));
  }

  private Route act(Function<NodeAdmin, CompletionStage<?>> action) {
    NodeStatus status = slot.get();
    if (status == null) {
      return complete(StatusCodes.SERVICE_UNAVAILABLE, STARTING);
    }
    if (!actions) {
      return complete(
          StatusCodes.FORBIDDEN,
          "actions are served on the loopback interface only, set " + ACTIONS + "=true");
    }
    CompletionStage<?> done;
    try {
      done = action.apply(status.admin());
    } catch (IllegalArgumentException refused) {
      return complete(StatusCodes.BAD_REQUEST, refused.getMessage());
    }
    return onComplete(
        done.handle(
            (answer, failure) ->
                failure == null
                    ? json(answer)
                    : HttpResponse.create()
                        .withStatus(StatusCodes.SERVICE_UNAVAILABLE)
                        .withEntity(sentence(failure))),
        answered -> complete(answered.get()));
  }

  private static String sentence(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private static Set<Residence> tiers(String named) {
    Set<Residence> tiers = EnumSet.noneOf(Residence.class);
    for (String word : named.split(",")) {
      tiers.add(
          switch (word.strip()) {
            case "device" -> Residence.DEVICE;
            case "host" -> Residence.HOST;
            default ->
                throw new IllegalArgumentException(
                    "tiers=%s names %s, which cannot be cleared; name device, host or both"
                        .formatted(named, word.strip().isEmpty() ? "nothing" : word.strip()));
          });
    }
    return tiers;
  }

  private static Map<String, Map<String, Integer>> cleared(Map<Residence, Integer> blocks) {
    Map<String, Integer> words = new LinkedHashMap<>();
    blocks.forEach((tier, count) -> words.put(tier.name().toLowerCase(Locale.ROOT), count));
    return Map.of("cleared", words);
  }

  private HttpResponse json(Object document) {
    try {
      return body(ContentTypes.APPLICATION_JSON, json.writeValueAsString(document));
    } catch (JsonProcessingException unwritable) {
      throw new IllegalStateException(unwritable);
    }
  }

  private static HttpResponse text(String text) {
    return HttpResponse.create().withEntity(ContentTypes.TEXT_PLAIN_UTF8, text);
  }

  private static HttpResponse body(
      org.apache.pekko.http.javadsl.model.ContentType.NonBinary type, String text) {
    return HttpResponse.create().withEntity(type, text);
  }
}
