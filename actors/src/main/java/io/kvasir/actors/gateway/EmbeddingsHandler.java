package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.observe.RequestTimer;
import io.kvasir.actors.schedule.Generations;
import io.kvasir.actors.settings.GatewaySettings;
import io.kvasir.runtime.engine.FinishReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/**
 * {@code /v1/embeddings}: parse and tokenise on the worker dispatcher, then order the inputs, a few
 * at a time, so that one request with many inputs leaves room in the engine's queue. Failures leave
 * as {@link ApiException}; one input's failure is the request's.
 */
final class EmbeddingsHandler {
  /** Inputs of one request that the engine holds at once. */
  private static final int WINDOW = 16;

  /** Values of all vectors of an answer: 4 MiB, and about three times that as JSON. */
  private static final long MAX_VALUES = 1 << 20;

  private record Prepared(
      EmbeddingsRequest request,
      ServedModel model,
      String tenant,
      List<int[]> inputs,
      int tokens,
      long deadlineNs) {}

  private final ActorSystem<?> system;
  private final GatewaySettings settings;
  private final ServedModels models;
  private final Generations orders;
  private final Executor workers;

  EmbeddingsHandler(
      ActorSystem<?> system, GatewaySettings settings, ServedModels models, Generations orders) {
    this.orders = orders;
    this.system = system;
    this.settings = settings;
    this.models = models;
    this.workers =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(settings.workerDispatcher()));
  }

  /**
   * Answers one request.
   *
   * @param connection knows when the client is gone
   * @param scope ended with the answer
   */
  CompletionStage<HttpResponse> handle(
      byte[] body, ClientConnection connection, RequestScope scope) {
    long arrivedNs = System.nanoTime();
    return CompletableFuture.supplyAsync(() -> prepare(body, scope, arrivedNs), workers)
        .thenCompose(prepared -> embedAll(prepared, connection, scope));
  }

  private Prepared prepare(byte[] body, RequestScope scope, long arrivedNs) {
    EmbeddingsRequest request = EmbeddingsRequest.parse(body);
    ServedModel model = models.select(request.model(), scope);
    ServedModel.Ready ready = model.orThrow();
    checkSize(request, ready.hiddenSize());
    int contextTokens = scope.contextTokens(ready.maxContextTokens());
    List<int[]> inputs = new ArrayList<>(request.inputs().size());
    long tokens = 0;
    for (int i = 0; i < request.inputs().size(); i++) {
      String name = request.inputs().size() == 1 ? "input" : "input[" + i + "]";
      int[] input = tokens(name, request.inputs().get(i), ready.text(), contextTokens);
      tokens += input.length;
      inputs.add(input);
    }
    // The body's bound keeps the sum far below an int's.
    scope.takeTokens((int) tokens, 0);
    Duration limit =
        request.timeout() == null || request.timeout().compareTo(settings.requestTimeout()) > 0
            ? settings.requestTimeout()
            : request.timeout();
    return new Prepared(
        request, model, scope.tenant(), inputs, (int) tokens, arrivedNs + limit.toNanos());
  }

  private static void checkSize(EmbeddingsRequest request, int hiddenSize) {
    Integer dimensions = request.dimensions();
    if (dimensions != null && dimensions > hiddenSize) {
      throw ApiException.invalidValue(
          "dimensions",
          "dimensions=%d exceeds the model's %d, lower it or leave it out"
              .formatted(dimensions, hiddenSize));
    }
    int most = (int) Math.max(1, MAX_VALUES / hiddenSize);
    if (request.inputs().size() > most) {
      throw ApiException.invalidValue(
          "input",
          "input has %d entries, the limit for vectors of %d values is %d, send them in several requests"
              .formatted(request.inputs().size(), hiddenSize, most));
    }
  }

  private static int[] tokens(
      String name, EmbeddingsRequest.Input input, ModelText text, int contextTokens) {
    int[] tokens =
        switch (input) {
          // Refused as OpenAI does, though a tokenizer may begin every text with a token of its
          // own.
          case EmbeddingsRequest.Input.Text plain ->
              plain.text().isEmpty() ? new int[0] : text.encode(plain.text());
          case EmbeddingsRequest.Input.Ids ids -> ids.tokens();
        };
    if (tokens.length == 0) {
      throw ApiException.invalidValue(name, name + " is empty, send at least one token");
    }
    if (tokens.length > contextTokens) {
      throw ApiException.invalid(
          name,
          "context_length_exceeded",
          "the context is %d tokens, %s has %d, shorten it"
              .formatted(contextTokens, name, tokens.length));
    }
    for (int token : tokens) {
      if (token >= text.vocabularyCount()) {
        throw ApiException.invalidValue(
            name,
            "%s holds token id %d, the vocabulary has %d, send ids below it"
                .formatted(name, token, text.vocabularyCount()));
      }
    }
    return tokens;
  }

  private CompletionStage<HttpResponse> embedAll(
      Prepared prepared, ClientConnection connection, RequestScope scope) {
    InFlight inFlight = new InFlight();
    connection.onGone(
        () -> {
          // First, for a cancelled input fails its answer, which would be told as that.
          scope.abandoned("client_gone");
          inFlight.cancel();
        });
    return Source.from(prepared.inputs())
        .mapAsync(WINDOW, input -> embed(prepared, input, inFlight, scope))
        .runWith(Sink.seq(), system)
        .whenComplete(
            (results, failure) -> {
              if (failure != null) {
                inFlight.cancel();
              }
            })
        .thenApplyAsync(results -> answer(prepared, results, scope), workers);
  }

  private CompletionStage<Embedding.Result> embed(
      Prepared prepared, int[] tokens, InFlight inFlight, RequestScope scope) {
    Duration left = Duration.ofNanos(Math.max(1, prepared.deadlineNs() - System.nanoTime()));
    EmbeddingOrder order =
        new EmbeddingOrder(prepared.tenant(), tokens, prepared.model().pooling(), left);
    return orders
        .embed(prepared.model().id(), order)
        .thenCompose(
            embedding -> {
              scope.timer().accepted(prepared.tokens(), 0);
              return inFlight.await(embedding);
            })
        .thenApply(EmbeddingsHandler::checked);
  }

  private static Embedding.Result checked(Embedding.Result result) {
    if (result.reason() != FinishReason.STOP && result.reason() != FinishReason.LENGTH) {
      // What is said of an answer's bad end.
      throw AnswerPart.Failed.of(result.reason(), 0, result.failure()).error();
    }
    return result;
  }

  private static HttpResponse answer(
      Prepared prepared, List<Embedding.Result> results, RequestScope scope) {
    RequestTimer timer = scope.timer();
    timer.finished(FinishReason.STOP, EmbeddingDocuments.total(results), Serving.HERE);
    HttpResponse response =
        HttpResponse.create()
            .withEntity(
                ContentTypes.APPLICATION_JSON,
                Json.write(
                    EmbeddingDocuments.list(prepared.request(), prepared.model().id(), results)));
    scope.end();
    return response;
  }

  /** What the engine has of one request, to be cancelled together. Safe from any thread. */
  private static final class InFlight {
    private final List<Embedding> embeddings = new ArrayList<>();
    private boolean cancelled;

    synchronized CompletionStage<Embedding.Result> await(Embedding embedding) {
      embeddings.add(embedding);
      if (cancelled) {
        embedding.cancel();
      }
      return embedding.result().thenApply(result -> ended(embedding, result));
    }

    private synchronized Embedding.Result ended(Embedding embedding, Embedding.Result result) {
      embeddings.remove(embedding);
      return result;
    }

    synchronized void cancel() {
      cancelled = true;
      embeddings.forEach(Embedding::cancel);
    }
  }
}
