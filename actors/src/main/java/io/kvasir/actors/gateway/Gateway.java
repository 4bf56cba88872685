package io.kvasir.actors.gateway;

import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.GatewaySettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.io.Inet.SocketOption;
import org.apache.pekko.io.TcpSO;
import org.apache.pekko.stream.javadsl.Flow;

/**
 * Binds the HTTP server. Every connection gets its own flow, which knows when its client is gone.
 */
public final class Gateway {
  private static final int SEND_BUFFER_BYTES = 256 * 1024;

  private Gateway() {}

  /**
   * Listens.
   *
   * @return the binding; fails when the port is taken
   */
  public static CompletionStage<ServerBinding> bind(
      ActorSystem<?> system,
      GatewaySettings settings,
      ServedModel model,
      List<Example> examples,
      NodeMetrics metrics) {
    Router router = new Router(system, settings, model, examples, metrics);
    Flow<HttpRequest, HttpResponse, ?> perConnection =
        Flow.fromMaterializer((materializer, attributes) -> connection(router));
    return Http.get(system)
        .newServerAt(settings.host(), settings.port())
        .withSettings(serverSettings(system, settings))
        .bindFlow(perConnection);
  }

  private static Flow<HttpRequest, HttpResponse, NotUsed> connection(Router router) {
    ClientConnection connection = new ClientConnection();
    return Flow.of(HttpRequest.class)
        .watchTermination(
            (ignored, end) -> {
              end.whenComplete((done, failure) -> connection.gone());
              return NotUsed.getInstance();
            })
        .mapAsync(1, request -> router.handle(request, connection));
  }

  private static ServerSettings serverSettings(ActorSystem<?> system, GatewaySettings settings) {
    ServerSettings defaults = ServerSettings.create(system.classicSystem());
    // The request's own deadline ends it; Pekko HTTP's would cut a long prefill at 20 s. A
    // connection
    // on which nothing flows may be waiting for a collected answer until that deadline.
    Duration idle = settings.requestTimeout().plusSeconds(30);
    // The kernel would take megabytes for a client that does not read, before we saw that it does
    // not.
    List<SocketOption> socket = new ArrayList<>();
    defaults.getSocketOptions().forEach(socket::add);
    socket.add(TcpSO.sendBufferSize(SEND_BUFFER_BYTES));
    return defaults
        .withSocketOptions(socket)
        .withMaxConnections(settings.maxConnections())
        .withPipeliningLimit(1)
        .withTimeouts(
            defaults
                .getTimeouts()
                .withRequestTimeout(scala.concurrent.duration.Duration.Inf())
                .withIdleTimeout(
                    scala.concurrent.duration.Duration.create(
                        idle.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS)));
  }
}
