package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.access.AccessRefusedException;
import io.kvasir.actors.gateway.access.Admission;
import io.kvasir.actors.gateway.access.Tenant;
import io.kvasir.actors.gateway.access.Tenants;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.schedule.Generations;
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
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpMethod;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Allow;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * One HTTP request → one response; every failure becomes an OpenAI-shaped error. What can be
 * refused by head, tenant and load is refused before the body is read. Any thread.
 */
final class Router {
  private final ActorSystem<?> system;
  private final GatewaySettings settings;
  private final ServedModels models;
  private final ModelCatalogue catalogue;
  private final List<Example> examples;
  private final NodeMetrics metrics;
  private final AdmissionGate gate;
  private final Drain drain;
  private final Tenants tenants;
  private final Refusals refusals;
  private final CompletionsHandler completions;
  private final TokensHandler tokens;
  private final EmbeddingsHandler embeddings;

  Router(
      ActorSystem<?> system,
      GatewaySettings settings,
      ServedModels models,
      Generations generations,
      List<Example> examples,
      NodeMetrics metrics,
      AdmissionGate gate,
      Drain drain) {
    this.system = system;
    this.settings = settings;
    this.models = models;
    this.catalogue = new ModelCatalogue(models);
    this.examples = List.copyOf(examples);
    this.metrics = metrics;
    this.gate = gate;
    this.drain = drain;
    this.tenants = new Tenants(settings.access(), System::nanoTime);
    this.refusals = new Refusals(system, settings, gate, drain);
    this.completions = new CompletionsHandler(system, settings, models, generations, metrics);
    this.tokens = new TokensHandler(system, settings, models);
    this.embeddings = new EmbeddingsHandler(system, settings, models, generations);
  }

  /** Answers; the stage never fails. */
  CompletionStage<HttpResponse> handle(HttpRequest request, ClientConnection connection) {
    String path = request.getUri().path();
    String requestId = RequestIds.of(request);
    return route(path, requestId, request, connection)
        .exceptionally(failure -> refusals.response(refusals.error(failure)))
        .thenApply(
            response -> {
              metrics.answered(endpoint(path), response.status().intValue());
              return response.addHeader(RawHeader.create(RequestIds.HEADER, requestId));
            });
  }

  private CompletionStage<HttpResponse> route(
      String path, String requestId, HttpRequest request, ClientConnection connection) {
    return switch (path) {
      case "/v1/chat/completions" ->
          post(requestId, request, connection, completion(CompletionsHandler.Kind.CHAT));
      case "/v1/completions" ->
          post(requestId, request, connection, completion(CompletionsHandler.Kind.TEXT));
      case "/v1/embeddings" -> post(requestId, request, connection, embeddings::handle);
      case "/tokenize" -> post(requestId, request, connection, tokens::tokenize);
      case "/detokenize" -> post(requestId, request, connection, tokens::detokenize);
      case "/" -> get(request, () -> page(request));
      case "/v1/models" -> get(request, () -> models(tenant(request)));
      case "/health/live" -> get(request, () -> json(200, catalogue.live()));
      case "/health/ready" -> get(request, this::readiness);
      case "/metrics" -> metrics(request);
      case "/kvasir/examples" -> get(request, () -> json(200, examples));
      default ->
          path.startsWith("/v1/models/")
              ? get(
                  request, () -> oneModel(tenant(request), path.substring("/v1/models/".length())))
              : refusals.beforeBody(
                  request,
                  ApiException.refused(
                      404,
                      null,
                      "unknown_url",
                      "%s is not served here, see GET / for what is".formatted(shorten(path))));
    };
  }

  /** What answers an admitted request; ends the scope with the answer, or fails. */
  @FunctionalInterface
  private interface Endpoint {
    CompletionStage<HttpResponse> handle(
        byte[] body, ClientConnection connection, RequestScope scope);
  }

  private Endpoint completion(CompletionsHandler.Kind kind) {
    return (body, connection, scope) -> completions.handle(kind, body, connection, scope);
  }

  private static String endpoint(String path) {
    return switch (path) {
      case "/v1/chat/completions",
          "/v1/completions",
          "/v1/embeddings",
          "/tokenize",
          "/detokenize",
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
      String requestId, HttpRequest request, ClientConnection connection, Endpoint endpoint) {
    if (!request.method().equals(HttpMethods.POST)) {
      return wrongMethod(request, HttpMethods.POST);
    }
    Tenant tenant;
    try {
      tenant = tenant(request);
    } catch (ApiException refused) {
      return refusals.beforeBody(request, refused);
    }
    return admitted(tenant, requestId, request, connection, endpoint)
        .thenApply(response -> response.addHeaders(RateLimitHeaders.of(tenant)));
  }

  private CompletionStage<HttpResponse> admitted(
      Tenant tenant,
      String requestId,
      HttpRequest request,
      ClientConnection connection,
      Endpoint endpoint) {
    long bodyBytes = request.entity().getContentLengthOption().orElse(settings.maxBodyBytes());
    AdmissionGate.Permit body;
    RequestScope scope;
    try {
      body = reserve(bodyBytes);
      try {
        scope = begin(tenant, requestId);
      } catch (ApiException refused) {
        body.release();
        throw refused;
      }
    } catch (ApiException refused) {
      return refusals
          .beforeBody(request, refused)
          .exceptionally(failure -> refusals.response(refusals.error(failure)));
    }
    return body(request)
        .thenCompose(bytes -> endpoint.handle(bytes, connection, scope))
        .handle(
            (response, failure) -> {
              body.release();
              if (failure == null) {
                return response;
              }
              ApiException error = refusals.error(failure);
              scope.failed(error);
              return refusals.response(error);
            });
  }

  private AdmissionGate.Permit reserve(long bodyBytes) {
    if (drain.begun()) {
      throw Drain.refusal();
    }
    if (bodyBytes > settings.maxBodyBytes()) {
      throw refusals.tooLarge();
    }
    models.requireAny();
    return gate.reserveBody(bodyBytes);
  }

  private RequestScope begin(Tenant tenant, String requestId) {
    AdmissionGate.Permit place = gate.enter();
    try {
      Admission admission = tenant.begin();
      return new RequestScope(requestId, place, admission, metrics);
    } catch (AccessRefusedException refused) {
      metrics.denied(tenant.name(), refused.word());
      place.release();
      throw ApiException.of(refused);
    }
  }

  private CompletionStage<byte[]> body(HttpRequest request) {
    // A little too much is read to its end: closing on unread bytes would take the refusal, which
    // is under way to the client, with it.
    long readBytes = settings.maxBodyBytes() + Refusals.SMALL_BODY_BYTES;
    return request
        .entity()
        .withSizeLimit(readBytes)
        .toStrict(settings.bodyTimeout().toMillis(), readBytes, system)
        .handle(
            (strict, failure) -> {
              if (failure == null) {
                if (strict.getData().size() > settings.maxBodyBytes()) {
                  throw refusals.tooLarge();
                }
                return strict.getData().toArray();
              }
              boolean late =
                  failure instanceof TimeoutException
                      || failure.getCause() instanceof TimeoutException;
              throw late
                  ? ApiException.refused(
                      408,
                      null,
                      "timeout",
                      "the body did not arrive within %d ms, send it faster"
                          .formatted(settings.bodyTimeout().toMillis()))
                  : new CompletionException(failure);
            });
  }

  private Tenant tenant(HttpRequest request) {
    String authorization = null;
    for (HttpHeader header : request.getHeaders()) {
      if (header.is("authorization")) {
        if (authorization != null) {
          throw ApiException.invalid(
              null,
              "duplicate_header",
              "the request has more than one Authorization header, send one");
        }
        authorization = header.value();
      }
    }
    try {
      return tenants.authenticate(authorization);
    } catch (AccessRefusedException refused) {
      throw ApiException.of(refused);
    }
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
            "%s takes %s only".formatted(shorten(request.getUri().path()), allowed.name()));
    return refusals
        .beforeBody(request, refused)
        .exceptionally(
            failure -> refusals.response(refusals.error(failure)).addHeader(Allow.create(allowed)));
  }

  private HttpResponse page(HttpRequest request) {
    return HttpResponse.create()
        .addHeader(RawHeader.create("Content-Security-Policy", Page.policy()))
        .withEntity(ContentTypes.TEXT_HTML_UTF8, Page.bytes());
  }

  private HttpResponse models(Tenant tenant) {
    return json(200, new OpenAiDocuments.ModelList("list", catalogue.openTo(tenant)));
  }

  private HttpResponse oneModel(Tenant tenant, String id) {
    return json(200, catalogue.one(tenant, id));
  }

  private HttpResponse readiness() {
    ModelCatalogue.Report report = catalogue.readiness(drain.begun());
    HttpResponse response = json(report.status(), report.document());
    return report.passing()
        ? refusals.retryAfter(response, settings.retryAfter().toSeconds())
        : response;
  }

  private CompletionStage<HttpResponse> metrics(HttpRequest request) {
    if (!request.method().equals(HttpMethods.GET)) {
      return wrongMethod(request, HttpMethods.GET);
    }
    request.discardEntityBytes(system);
    CompletionStage<?> all = CompletableFuture.completedFuture(null);
    for (ServedModel model : models.all()) {
      if (model.gpu() == null) {
        continue;
      }
      CompletionStage<GpuActor.Stats> stats =
          AskPattern.ask(
              model.gpu(), GpuActor.GetStats::new, settings.askTimeout(), system.scheduler());
      all = all.thenCombine(stats, (before, answer) -> observe(model, answer));
    }
    return all.thenApply(
        observed ->
            HttpResponse.create().withEntity(ContentTypes.TEXT_PLAIN_UTF8, metrics.scrape()));
  }

  private Void observe(ServedModel model, GpuActor.Stats stats) {
    if (stats.engine() != null) {
      metrics.observe(model.id(), stats.engine());
    }
    return null;
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
