package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.OrderRefusedException;
import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.settings.ScheduleSettings;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * Orders of a gateway in a cluster: each goes to the node that is predicted to answer first, this
 * one or another, and goes on elsewhere when that node dies. Safe from any thread.
 */
public final class ClusterGenerations implements Generations {
  private final ActorSystem<?> system;
  private final ActorRef<DeskCommand> desk;
  private final ScheduleMetrics metrics;
  private final SecureRandom random = new SecureRandom();

  private ClusterGenerations(
      ActorSystem<?> system, ActorRef<DeskCommand> desk, ScheduleMetrics metrics) {
    this.system = system;
    this.desk = desk;
    this.metrics = metrics;
  }

  /** What the desk remembers. */
  public ScheduleMetrics metrics() {
    return metrics;
  }

  /** Starts the gateway's desk where sessions are nobody's but the gateway's. */
  public static ClusterGenerations start(
      ActorSystem<?> system,
      ClusterView view,
      Directory directory,
      ScheduleSettings settings,
      Executor workers) {
    return start(system, view, directory, null, settings, workers);
  }

  /**
   * Starts the gateway's desk.
   *
   * @param directory null = nobody knows what is cached where
   * @param sessions null = nobody but this gateway knows where a session was
   * @param workers where keys are hashed
   */
  public static ClusterGenerations start(
      ActorSystem<?> system,
      ClusterView view,
      Directory directory,
      Sessions sessions,
      ScheduleSettings settings,
      Executor workers) {
    ScheduleMetrics metrics = new ScheduleMetrics();
    return new ClusterGenerations(
        system,
        system.systemActorOf(
            GenerationDesk.create(
                view,
                directory,
                sessions,
                settings,
                workers,
                node -> PortProbe.refused(node.generations().path().address(), settings.silence()),
                metrics),
            "kvasir-desk",
            Props.empty()),
        metrics);
  }

  @Override
  public CompletionStage<Generation> order(String model, GenerationOrder order) {
    GenerationOrder seeded = order.sampling().seed() == null ? seeded(order) : order;
    long id = random.nextLong();
    return ask(
        order.timeout(),
        replyTo -> new GenerationDesk.Order(id, model, seeded, replyTo),
        reply ->
            switch (reply) {
              case GenerationDesk.TakenGeneration taken -> taken.generation();
              case GenerationDesk.TakenEmbedding taken ->
                  throw new IllegalStateException("an order was answered by an embedding");
              case GenerationDesk.Declined declined ->
                  throw new OrderRefusedException(declined.code(), declined.sentence());
            },
        id);
  }

  @Override
  public CompletionStage<Embedding> embed(String model, EmbeddingOrder order) {
    long id = random.nextLong();
    return ask(
        order.timeout(),
        replyTo -> new GenerationDesk.OrderEmbedding(id, model, order, replyTo),
        reply ->
            switch (reply) {
              case GenerationDesk.TakenEmbedding taken -> taken.embedding();
              case GenerationDesk.TakenGeneration taken ->
                  throw new IllegalStateException("an input was answered by a generation");
              case GenerationDesk.Declined declined ->
                  throw new OrderRefusedException(declined.code(), declined.sentence());
            },
        id);
  }

  /** Every attempt draws from one seed, so the gateway has to know it. */
  private GenerationOrder seeded(GenerationOrder order) {
    return new GenerationOrder(
        order.tenant(),
        order.promptTokens(),
        order.sampling().toBuilder().seed(random.nextLong()).build(),
        order.timeout(),
        order.grammar(),
        order.resume(),
        order.session(),
        order.explained(),
        order.directions());
  }

  private <T> CompletionStage<T> ask(
      Duration timeout,
      Function<ActorRef<GenerationDesk.OrderReply>, DeskCommand> order,
      Function<GenerationDesk.OrderReply, T> taken,
      long id) {
    CompletionStage<GenerationDesk.OrderReply> reply =
        AskPattern.ask(desk, order::apply, timeout, system.scheduler());
    return reply.handle(
        (answer, failure) -> {
          if (failure == null) {
            return taken.apply(answer);
          }
          desk.tell(new GenerationDesk.CancelOrder(id));
          if (failure instanceof TimeoutException) {
            throw new OrderRefusedException(
                Code.QUEUE_FULL,
                "no node took the request within its time of %d ms, try again later"
                    .formatted(timeout.toMillis()));
          }
          throw new CompletionException(failure);
        });
  }
}
