package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.tls.ReloadingTls;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.schedule.Generations;
import io.kvasir.actors.settings.GatewaySettings;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.http.javadsl.ConnectionContext;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.ServerBuilder;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.io.Inet.SocketOption;
import org.apache.pekko.io.TcpSO;
import org.apache.pekko.stream.javadsl.Flow;

/**
 * The HTTP server, listening. Every connection gets its own flow, which knows when its client is
 * gone. Safe from any thread.
 */
public final class Gateway {
  private static final int SEND_BUFFER_BYTES = 256 * 1024;

  private final ServerBinding binding;
  private final Drain drain;
  private final Connections connections;
  private final boolean secure;
  private final Cancellable reload;

  private Gateway(
      ServerBinding binding,
      Drain drain,
      Connections connections,
      boolean secure,
      Cancellable reload) {
    this.binding = binding;
    this.drain = drain;
    this.connections = connections;
    this.secure = secure;
    this.reload = reload;
  }

  /**
   * Listens.
   *
   * @param tls what to show to clients; null = plain HTTP
   * @param generations where orders go
   * @param engineRoom requests that the engine can run and queue: more need not be let in
   * @return the gateway; fails when the port is taken
   */
  public static CompletionStage<Gateway> bind(
      ActorSystem<?> system,
      GatewaySettings settings,
      ReloadingTls tls,
      ServedModels models,
      Generations generations,
      List<Example> examples,
      NodeMetrics metrics,
      int engineRoom) {
    AdmissionGate gate =
        new AdmissionGate(
            Math.min(settings.maxRequests(), engineRoom),
            settings.maxBodiesBytes(),
            (int) settings.retryAfter().toSeconds());
    Drain drain = new Drain(gate);
    Connections connections = new Connections();
    Router router =
        new Router(system, settings, models, generations, examples, metrics, gate, drain);
    Flow<HttpRequest, HttpResponse, ?> perConnection =
        Flow.fromMaterializer(
            (materializer, attributes) -> connection(router, connections, settings.idleTimeout()));
    ServerBuilder server =
        Http.get(system)
            .newServerAt(settings.host(), settings.port())
            .withSettings(serverSettings(system, settings))
            .logTo(new HttpLog());
    if (tls != null) {
      server = server.enableHttps(ConnectionContext.httpsServer(tls::engine));
    }
    return server
        .bindFlow(perConnection)
        .thenApply(
            binding ->
                new Gateway(
                    binding,
                    drain,
                    connections,
                    tls != null,
                    tls == null
                        ? Cancellable.alreadyCancelled()
                        : reloadEvery(system, settings, tls)));
  }

  private static Cancellable reloadEvery(
      ActorSystem<?> system, GatewaySettings settings, ReloadingTls tls) {
    Executor workers =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(settings.workerDispatcher()));
    Duration every = settings.tls().reloadInterval();
    return system
        .scheduler()
        .scheduleWithFixedDelay(
            every, every, () -> workers.execute(tls::reload), system.executionContext());
  }

  private static Flow<HttpRequest, HttpResponse, NotUsed> connection(
      Router router, Connections connections, Duration idleTimeout) {
    ClientConnection connection = new ClientConnection();
    return Flow.of(HttpRequest.class)
        .via(new IdleLimit(connection, connections, idleTimeout))
        .watchTermination(
            (ignored, end) -> {
              end.whenComplete((done, failure) -> connection.gone());
              return NotUsed.getInstance();
            })
        .mapAsync(1, request -> router.handle(request, connection))
        .map(
            response -> {
              // A streamed answer tells its end itself.
              if (response.entity().isStrict()) {
                connection.answerEnded();
              }
              return response;
            });
  }

  private static ServerSettings serverSettings(ActorSystem<?> system, GatewaySettings settings) {
    ServerSettings defaults = ServerSettings.create(system.classicSystem());
    // The kernel would take megabytes for a client that does not read, before we saw that it does
    // not.
    List<SocketOption> socket = new ArrayList<>();
    defaults.getSocketOptions().forEach(socket::add);
    socket.add(TcpSO.sendBufferSize(SEND_BUFFER_BYTES));
    return defaults
        .withSocketOptions(socket)
        .withMaxConnections(settings.maxConnections())
        .withPipeliningLimit(1)
        .withParsingErrorHandler(MalformedRequests.class.getName())
        // Warnings about headers quote them, API keys included.
        .withParserSettings(defaults.getParserSettings().withIllegalHeaderWarnings(false))
        // A request ends by its own deadlines (body, answer, write), and a connection without one
        // by IdleLimit. Pekko HTTP's would cut a long prefill at 20 s and wake every stream once a
        // second.
        .withTimeouts(
            defaults
                .getTimeouts()
                .withRequestTimeout(scala.concurrent.duration.Duration.Inf())
                .withIdleTimeout(scala.concurrent.duration.Duration.Inf()));
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return binding.localAddress();
  }

  /** {@code http} or {@code https}. */
  public String scheme() {
    return secure ? "https" : "http";
  }

  /** Turns new requests away with 503, and says that the node is not ready. */
  public void beginDrain() {
    drain.begin();
  }

  /** Completes when no request is in progress, or after {@code limit}; never fails. */
  public CompletionStage<Done> awaitEmpty(Duration limit) {
    return drain.await(limit);
  }

  /** Closes the port; answers have {@code grace} to be written to the end. */
  public CompletionStage<Done> close(Duration grace) {
    reload.cancel();
    return binding
        .unbind()
        .thenCompose(unbound -> connections.closeAll(grace))
        .thenCompose(none -> binding.terminate(grace))
        .thenApply(ended -> Done.getInstance());
  }
}
