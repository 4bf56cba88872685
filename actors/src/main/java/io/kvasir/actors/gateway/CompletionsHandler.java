package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.AnswerPart.End;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.observe.RequestTimer;
import io.kvasir.actors.settings.GatewaySettings;
import io.kvasir.runtime.engine.GenerationEngine.Refusal;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
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

    /** What the answer's text goes on from: a chat message starts anew, a completion continues. */
    int[] continued(GenerationOrder order) {
      return this == CHAT ? new int[0] : order.promptTokens();
    }

    AnswerShape shape(ServedModel model) {
      String id = idPrefix + UUID.randomUUID().toString().replace("-", "");
      long created = System.currentTimeMillis() / 1000;
      return this == CHAT
          ? new AnswerShape.Chat(id, created, model.id())
          : new AnswerShape.Text(id, created, model.id());
    }
  }

  private record Prepared(
      OpenAiRequest request, GenerationOrder order, ServedModel model, ModelText text) {}

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
                order(prepared.model(), prepared.order())
                    .thenCompose(
                        generation -> answer(kind, prepared, generation, connection, scope)));
  }

  private Prepared prepare(Kind kind, byte[] body, RequestScope scope) {
    OpenAiRequest request = kind.parser.apply(body);
    ServedModel model = models.select(request.model(), scope);
    ServedModel.Ready ready = model.orThrow();
    GenerationOrder order =
        new PromptPreparer(
                scope.tenant(),
                ready.text(),
                scope.contextTokens(ready.maxContextTokens()),
                settings.defaultMaxTokens(),
                settings.requestTimeout())
            .prepare(request);
    scope.takeTokens(order.promptTokens().length, order.sampling().maxTokens());
    return new Prepared(request, order, model, ready.text());
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
      Generation generation,
      ClientConnection connection,
      RequestScope scope) {
    AnswerShape shape = kind.shape(prepared.model());
    RequestTimer timer = scope.timer();
    timer.accepted(prepared.order().promptTokens().length, prepared.order().sampling().maxTokens());
    Source<AnswerPart, ?> parts =
        AnswerStream.of(
            generation,
            prepared.order().sampling(),
            () -> prepared.text().newDecoder(kind.continued(prepared.order())),
            timer);
    // A collected answer writes nothing until its end, and a stream may never be run: so a client
    // that left must be noticed here too.
    connection.onGone(
        () -> {
          generation.cancel();
          scope.abandoned("client_gone");
        });
    if (prepared.request().stream()) {
      return CompletableFuture.completedFuture(
          eventStream.respond(parts, shape, prepared.request().includeUsage(), connection, scope));
    }
    return parts
        .runWith(
            Sink.fold(
                new Collected(new StringBuilder(), null),
                (collected, part) ->
                    switch (part) {
                      case AnswerPart.Text text -> collected.plus(text.delta());
                      case End end -> new Collected(collected.text(), end);
                    }),
            system)
        .thenApply(
            collected -> {
              collected.end().orThrow();
              scope.end();
              return HttpResponse.create()
                  .withEntity(
                      ContentTypes.APPLICATION_JSON,
                      Json.write(shape.whole(collected.text().toString(), collected.end())));
            });
  }

  private record Collected(StringBuilder text, End end) {
    Collected plus(String delta) {
      text.append(delta);
      return this;
    }
  }
}
