package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.observe.RequestTimer;
import io.kvasir.actors.settings.GatewaySettings;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
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
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/**
 * A completion from body to answer: parse and tokenise on the worker dispatcher, order it from the
 * device actor, then stream or collect. Failures leave as {@link ApiException}.
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
  private final Executor workers;
  private final EventStream eventStream;

  CompletionsHandler(
      ActorSystem<?> system, GatewaySettings settings, ServedModels models, NodeMetrics metrics) {
    this.system = system;
    this.settings = settings;
    this.models = models;
    this.workers =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(settings.workerDispatcher()));
    this.eventStream = new EventStream(settings, metrics);
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
                order(prepared.model(), prepared.orders())
                    .thenCompose(
                        generations -> answer(kind, prepared, generations, connection, scope)));
  }

  private Prepared prepare(Kind kind, byte[] body, RequestScope scope) {
    OpenAiRequest request = kind.parser.apply(body);
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
  private CompletionStage<List<Generation>> order(ServedModel model, List<GenerationOrder> orders) {
    List<CompletableFuture<Generation>> asked = new ArrayList<>(orders.size());
    for (GenerationOrder order : orders) {
      asked.add(order(model, order).toCompletableFuture());
    }
    return CompletableFuture.allOf(asked.toArray(new CompletableFuture<?>[0]))
        .handle(
            (all, failure) -> {
              if (failure == null) {
                return asked.stream().map(CompletableFuture::join).toList();
              }
              for (CompletableFuture<Generation> one : asked) {
                one.thenAccept(Generation::cancel);
              }
              throw failure instanceof CompletionException wrapped
                  ? wrapped
                  : new CompletionException(failure);
            });
  }

  private CompletionStage<Generation> order(ServedModel model, GenerationOrder order) {
    CompletionStage<GpuActor.GenerateReply> reply =
        AskPattern.ask(
            model.gpu(),
            replyTo -> new GpuActor.Generate(order, replyTo),
            settings.askTimeout(),
            system.scheduler());
    return reply.thenApply(
        answer ->
            switch (answer) {
              case GpuActor.Accepted accepted -> accepted.generation();
              case GpuActor.Refused refused -> throw refusal(refused.refusal());
              case GpuActor.Unavailable unavailable -> throw unavailable(unavailable.readiness());
            });
  }

  static ApiException refusal(Refusal refusal) {
    return switch (refusal.code()) {
      case QUEUE_FULL -> ApiException.overloaded(refusal.message());
      case CONTEXT_OVERFLOW ->
          ApiException.invalid(null, "context_length_exceeded", refusal.message());
      case INVALID -> ApiException.invalid(null, "invalid_value", refusal.message());
      case CLOSED -> ApiException.failed(500, "engine_closed", refusal.message());
    };
  }

  static ApiException unavailable(GpuActor.Readiness readiness) {
    return readiness instanceof GpuActor.Failed failed
        ? ApiException.failed(500, "model_failed", failed.reason())
        : ApiException.unavailable(
            "model_loading", "the model is still loading, try again in a few seconds");
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
    Source<AnswerPart, ?> parts = AnswerStream.of(generations, choices, timer);
    // A collected answer writes nothing until its end, and a stream may never be run: so a client
    // that left must be noticed here too.
    connection.onGone(
        () -> {
          generations.forEach(Generation::cancel);
          scope.abandoned("client_gone");
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
