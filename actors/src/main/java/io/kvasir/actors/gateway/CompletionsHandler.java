package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.observe.RequestTimer;
import io.kvasir.actors.schedule.Generations;
import io.kvasir.actors.settings.GatewaySettings;
import io.kvasir.actors.settings.ScheduleSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/**
 * A completion from body to answer: parse and tokenise on the worker dispatcher, order it, then
 * stream or collect. Failures leave as {@link ApiException}.
 */
final class CompletionsHandler {
  /** The endpoint's own part. */
  enum Kind {
    CHAT("chatcmpl-", OpenAiRequestParser::parseChat),
    TEXT("cmpl-", OpenAiRequestParser::parseCompletion);

    private final String idPrefix;
    private final Function<byte[], OpenAiRequest> parser;

    Kind(String idPrefix, Function<byte[], OpenAiRequest> parser) {
      this.idPrefix = idPrefix;
      this.parser = parser;
    }

    AnswerShape shape(ServedModel model, Prepared prepared, String fingerprint) {
      AnswerHead head =
          new AnswerHead(
              idPrefix + UUID.randomUUID().toString().replace("-", ""),
              System.currentTimeMillis() / 1000,
              model.id(),
              "fp_" + fingerprint,
              prepared.request().serviceTier());
      LogprobDocuments logprobs = new LogprobDocuments(prepared.text());
      return this == CHAT
          ? new AnswerShape.Chat(head, logprobs)
          : new AnswerShape.Text(head, logprobs);
    }
  }

  private final ActorSystem<?> system;
  private final GatewaySettings settings;
  private final ServedModels models;
  private final Generations orders;
  private final Executor workers;
  private final EventStream eventStream;
  private final boolean directed;

  CompletionsHandler(
      ActorSystem<?> system,
      GatewaySettings settings,
      ServedModels models,
      Generations orders,
      NodeMetrics metrics) {
    this.system = system;
    this.settings = settings;
    this.models = models;
    this.orders = orders;
    this.workers =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(settings.workerDispatcher()));
    this.eventStream = new EventStream(settings, metrics);
    this.directed = ScheduleSettings.from(system.settings().config()).requestOverride();
  }

  /**
   * Answers one request.
   *
   * @param connection knows when the client is gone
   * @param scope ended when nothing of the request is left, answer included
   */
  CompletionStage<HttpResponse> handle(
      Kind kind, byte[] body, ClientConnection connection, RequestScope scope) {
    return CompletableFuture.supplyAsync(() -> prepare(kind, body, scope), workers)
        .thenCompose(
            prepared ->
                order(prepared)
                    .thenCompose(
                        generations -> answer(kind, prepared, generations, connection, scope)));
  }

  private Prepared prepare(Kind kind, byte[] body, RequestScope scope) {
    OpenAiRequest request = kind.parser.apply(body);
    if (request.place().directions().given() && !directed) {
      throw ApiException.invalid(
          request.place().directions().node() == null ? "kvasir.sources" : "kvasir.node",
          "override_disabled",
          "kvasir.node and kvasir.sources are not taken here, remove them or set"
              + " kvasir.actors.schedule.request-override=true");
    }
    ServedModel model = models.select(request.model(), scope);
    ServedModel.Ready ready = model.orThrow();
    List<GenerationOrder> orders =
        new PromptPreparer(
                scope.tenant(),
                ready.text(),
                scope.contextTokens(ready.maxContextTokens()),
                settings.defaultMaxTokens(),
                settings.requestTimeout())
            .prepare(request);
    Prepared prepared = Prepared.of(request, model, orders, ready.text());
    scope.takeTokens(prepared.promptTokens(), prepared.maxTokens());
    return prepared;
  }

  /** Orders all or none. */
  private CompletionStage<List<Generation>> order(Prepared prepared) {
    List<CompletableFuture<? extends Generation>> asked = new ArrayList<>();
    for (GenerationOrder order : prepared.orders()) {
      asked.add(orders.order(prepared.model().id(), order).toCompletableFuture());
    }
    return CompletableFuture.allOf(asked.toArray(new CompletableFuture<?>[0]))
        .handle(
            (all, failure) -> {
              if (failure == null) {
                List<Generation> taken = new ArrayList<>(asked.size());
                asked.forEach(one -> taken.add(one.join()));
                return taken;
              }
              for (CompletableFuture<? extends Generation> one : asked) {
                one.thenAccept(Generation::cancel);
              }
              throw refused(failure, prepared.request());
            });
  }

  /** The field that a grammar came in is the gateway's to name. */
  private static RuntimeException refused(Throwable failure, OpenAiRequest request) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof OrderRefusedException order
        && order.code() == OrderRefusedException.Code.GRAMMAR
        && request.guide() != null) {
      return ApiException.invalid(request.guide().field(), "invalid_grammar", order.getMessage());
    }
    return new CompletionException(cause);
  }

  private CompletionStage<HttpResponse> answer(
      Kind kind,
      Prepared prepared,
      List<Generation> generations,
      ClientConnection connection,
      RequestScope scope) {
    AnswerShape shape =
        kind.shape(prepared.model(), prepared, generations.getFirst().fingerprint());
    RequestTimer timer = scope.timer();
    timer.accepted(prepared.promptTokens(), prepared.maxTokens());
    List<ChoiceAnswer> choices = prepared.choices(generations);
    Source<AnswerPart, ?> parts =
        AnswerStream.of(
            generations,
            choices,
            timer,
            prepared.request().place().explained(),
            settings.streamInterval());
    // A collected answer writes nothing until its end, and a stream may never be run: so a client
    // that left must be noticed here too.
    connection.onGone(
        () -> {
          // First, for a cancelled generation ends its answer, which would be told as that.
          scope.abandoned("client_gone");
          generations.forEach(Generation::cancel);
        });
    if (prepared.request().delivery().stream()) {
      StreamedAnswer answer =
          new StreamedAnswer(
              shape, prepared.request().delivery(), choices.size(), prepared.promptTokens(), scope);
      return CompletableFuture.completedFuture(
          eventStream.respond(parts, answer, connection, scope));
    }
    return parts
        .runWith(Sink.fold(new CollectedAnswer(choices.size()), CollectedAnswer::plus), system)
        .thenApply(
            collected -> {
              Object document =
                  collected.document(shape, generations, prepared.promptLogprobs(generations));
              scope.end();
              return HttpResponse.create()
                  .withEntity(ContentTypes.APPLICATION_JSON, Json.write(document));
            });
  }
}
