package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.GatewaySettings;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpMethod;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Allow;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.scaladsl.model.EntityStreamException;
import org.apache.pekko.http.scaladsl.model.EntityStreamSizeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One HTTP request → one response; every failure becomes an OpenAI-shaped error. Any thread. */
final class Router {
  private static final Logger LOG = LoggerFactory.getLogger(Router.class);

  private final ActorSystem<?> system;
  private final GatewaySettings settings;
  private final ServedModel model;
  private final List<Example> examples;
  private final NodeMetrics metrics;
  private final AdmissionGate gate;
  private final CompletionsHandler completions;

  Router(
      ActorSystem<?> system,
      GatewaySettings settings,
      ServedModel model,
      List<Example> examples,
      NodeMetrics metrics) {
    this.system = system;
    this.settings = settings;
    this.model = model;
    this.examples = List.copyOf(examples);
    this.metrics = metrics;
    this.gate = new AdmissionGate(settings.maxRequests(), settings.maxBodiesBytes());
    this.completions = new CompletionsHandler(system, settings, model, metrics);
  }

  /** Answers; the stage never fails. */
  CompletionStage<HttpResponse> handle(HttpRequest request, ClientConnection connection) {
    String path = request.getUri().path();
    return route(path, request, connection)
        .exceptionally(this::failure)
        .thenApply(
            response -> {
              metrics.answered(endpoint(path), response.status().intValue());
              return response;
            });
  }

  private CompletionStage<HttpResponse> route(
      String path, HttpRequest request, ClientConnection connection) {
    return switch (path) {
      case "/v1/chat/completions" -> post(request, connection, CompletionsHandler.Kind.CHAT);
      case "/v1/completions" -> post(request, connection, CompletionsHandler.Kind.TEXT);
      case "/" -> get(request, () -> page(request));
      case "/v1/models" ->
          get(request, () -> json(200, new OpenAiDocuments.ModelList("list", List.of(document()))));
      case "/health/live" ->
          get(request, () -> json(200, new OpenAiDocuments.Health("live", model.id(), null)));
      case "/health/ready" -> get(request, this::readiness);
      case "/metrics" -> metrics(request);
      case "/kvasir/examples" -> get(request, () -> json(200, examples));
      default ->
          path.startsWith("/v1/models/")
              ? get(request, () -> oneModel(path.substring("/v1/models/".length())))
              : discard(
                  request,
                  ApiException.refused(
                      404,
                      null,
                      "unknown_url",
                      "%s is not served here, see GET / for what is".formatted(shorten(path))));
    };
  }

  private static String endpoint(String path) {
    return switch (path) {
      case "/v1/chat/completions",
          "/v1/completions",
          "/",
          "/v1/models",
          "/health/live",
          "/health/ready",
          "/metrics",
          "/kvasir/examples" ->
          path;
      default -> "other";
    };
  }

  private CompletionStage<HttpResponse> post(
      HttpRequest request, ClientConnection connection, CompletionsHandler.Kind kind) {
    if (!request.method().equals(HttpMethods.POST)) {
      return wrongMethod(request, HttpMethods.POST);
    }
    long declaredBytes = request.entity().getContentLengthOption().orElse(settings.maxBodyBytes());
    if (declaredBytes > settings.maxBodyBytes()) {
      return discard(request, tooLarge());
    }
    AdmissionGate.Permit place;
    AdmissionGate.Permit body;
    try {
      model.orThrow();
      place = gate.enter();
      try {
        body = gate.reserveBody(declaredBytes);
      } catch (ApiException full) {
        place.release();
        throw full;
      }
    } catch (ApiException refused) {
      return discard(request, refused);
    }
    return request
        .entity()
        .withSizeLimit(settings.maxBodyBytes())
        .toStrict(settings.bodyTimeout().toMillis(), settings.maxBodyBytes(), system)
        .thenCompose(
            strict ->
                completions
                    .handle(kind, strict.getData().toArray(), connection, place::release)
                    .whenComplete((response, failure) -> body.release()))
        .whenComplete(
            (response, failure) -> {
              body.release();
              if (failure != null) {
                place.release();
              }
            });
  }

  private CompletionStage<HttpResponse> get(HttpRequest request, Supplier<HttpResponse> body) {
    if (!request.method().equals(HttpMethods.GET)) {
      return wrongMethod(request, HttpMethods.GET);
    }
    request.discardEntityBytes(system);
    return CompletableFuture.supplyAsync(body, Runnable::run);
  }

  private CompletionStage<HttpResponse> wrongMethod(HttpRequest request, HttpMethod allowed) {
    ApiException refused =
        ApiException.refused(
            405,
            null,
            "method_not_allowed",
            "%s takes %s only".formatted(request.getUri().path(), allowed.name()));
    return discard(request, refused)
        .exceptionally(failure -> failure(failure).addHeader(Allow.create(allowed)));
  }

  private CompletionStage<HttpResponse> discard(HttpRequest request, ApiException refused) {
    // A bounded part is read, so that an ordinary client sees the answer before the end of the
    // line.
    request.entity().withSizeLimit(4 * settings.maxBodyBytes()).discardBytes(system);
    return CompletableFuture.failedFuture(refused);
  }

  private HttpResponse page(HttpRequest request) {
    return HttpResponse.create()
        .addHeader(
            RawHeader.create(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
                    + " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
                    + " frame-ancestors 'none'"))
        .withEntity(ContentTypes.TEXT_HTML_UTF8, Page.bytes());
  }

  private HttpResponse oneModel(String id) {
    if (!id.equals(model.id())) {
      throw ApiException.refused(
          404,
          "model",
          "model_not_found",
          "model %s is not served here, ask for %s".formatted(shorten(id), model.id()));
    }
    return json(200, document());
  }

  private OpenAiDocuments.Model document() {
    Integer contextTokens =
        model.state() instanceof ServedModel.Ready ready ? ready.maxContextTokens() : null;
    return new OpenAiDocuments.Model(
        model.id(), "model", model.createdSeconds(), "kvasir", contextTokens);
  }

  private HttpResponse readiness() {
    return switch (model.state()) {
      case ServedModel.Ready ready ->
          json(200, new OpenAiDocuments.Health("ready", model.id(), null));
      case ServedModel.Loading loading ->
          retryLater(json(503, new OpenAiDocuments.Health("loading", model.id(), null)));
      case ServedModel.Failed failed ->
          json(503, new OpenAiDocuments.Health("failed", model.id(), failed.reason()));
    };
  }

  private CompletionStage<HttpResponse> metrics(HttpRequest request) {
    if (!request.method().equals(HttpMethods.GET)) {
      return wrongMethod(request, HttpMethods.GET);
    }
    request.discardEntityBytes(system);
    CompletionStage<GpuActor.Stats> stats =
        AskPattern.ask(
            model.gpu(), GpuActor.GetStats::new, settings.askTimeout(), system.scheduler());
    return stats.thenApply(
        answer -> {
          if (answer.engine() != null) {
            metrics.observe(answer.engine());
          }
          return HttpResponse.create().withEntity(ContentTypes.TEXT_PLAIN_UTF8, metrics.scrape());
        });
  }

  private HttpResponse failure(Throwable thrown) {
    Throwable cause =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    ApiException error =
        switch (cause) {
          case ApiException own -> own;
          case EntityStreamSizeException tooLarge -> tooLarge();
          case EntityStreamException truncated ->
              ApiException.refused(
                  400, null, "truncated_body", "the body ended before its length, send all of it");
          case TimeoutException late ->
              ApiException.refused(
                  408,
                  null,
                  "timeout",
                  "the body did not arrive, or the device did not answer, in time, try again");
          default -> {
            LOG.error("request failed", cause);
            yield ApiException.failed(
                500, "internal_error", "the node failed this request, see its log");
          }
        };
    HttpResponse response = json(error.status(), error.body());
    return error.retryable() ? retryLater(response) : response;
  }

  private ApiException tooLarge() {
    return ApiException.refused(
        413,
        null,
        "body_too_large",
        "the body exceeds %d bytes, send less or raise kvasir.actors.gateway.max-body"
            .formatted(settings.maxBodyBytes()));
  }

  private HttpResponse retryLater(HttpResponse response) {
    return response.addHeader(
        RawHeader.create("Retry-After", Long.toString(settings.retryAfter().toSeconds())));
  }

  private static String shorten(String text) {
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  private static HttpResponse json(int status, Object document) {
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(ContentTypes.APPLICATION_JSON, Json.write(document));
  }
}
