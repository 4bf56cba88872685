package io.kvasir.actors.session;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.session.SessionMessage.PutAway;
import io.kvasir.actors.session.SessionMessage.Told;
import io.kvasir.actors.settings.SessionSettings;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.sharding.typed.ClusterShardingSettings;
import org.apache.pekko.cluster.sharding.typed.HashCodeNoEnvelopeMessageExtractor;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.Entity;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityTypeKey;

/** A node's part of the sessions. Any thread. */
public final class SessionService implements AutoCloseable {
  private static final EntityTypeKey<SessionMessage> TYPE =
      EntityTypeKey.create(SessionMessage.class, "kvasir-session");

  /** Finds the session of a message. */
  private static final class Extractor extends HashCodeNoEnvelopeMessageExtractor<SessionMessage> {
    Extractor(int shards) {
      super(shards);
    }

    @Override
    public String entityId(SessionMessage message) {
      return message.key();
    }
  }

  private final ActorSystem<?> system;
  private final SessionMetrics metrics = new SessionMetrics();
  private final SessionClient client;
  private final ActorRef<SessionMessage> replies;

  /**
   * Starts it: once in the life of an actor system whose provider is the cluster.
   *
   * @param demoter of sessions that this node puts away
   */
  public static SessionService start(
      ActorSystem<?> system, ClusterView view, Demoter demoter, SessionSettings settings) {
    return new SessionService(system, view, demoter, settings);
  }

  private SessionService(
      ActorSystem<?> system, ClusterView view, Demoter demoter, SessionSettings settings) {
    this.system = system;
    client = new SessionClient(view, settings.maxOutstanding(), metrics);
    replies = system.systemActorOf(replies(client), "kvasir-session-replies", Props.empty());
    SessionActor.Shared shared =
        new SessionActor.Shared(
            settings.demoteAfter(),
            (tenant, last) -> {
              metrics.demoted();
              demoter.demote(tenant, last);
            },
            metrics);
    Entity<SessionMessage, SessionMessage> sessions =
        Entity.of(TYPE, context -> SessionActor.create(shared))
            .withMessageExtractor(new Extractor(settings.shards()))
            .withStopMessage(new PutAway())
            .withSettings(sharding(system.settings().config(), settings));
    if (!settings.role().isEmpty()) {
      sessions = sessions.withRole(settings.role());
    }
    client.connect(ClusterSharding.get(system).init(sessions), replies);
  }

  /** Asks and tells the sessions. */
  public Sessions sessions() {
    return client;
  }

  /** Figures of this node's part. */
  public SessionMetrics metrics() {
    return metrics;
  }

  /** Ends what is asked; the sessions themselves move or end with the actor system. */
  @Override
  public void close() {
    client.close();
    Adapter.toClassic(system).stop(Adapter.toClassic(replies));
  }

  /** Pekko's own settings, with what ours say differently. */
  private static ClusterShardingSettings sharding(Config config, SessionSettings settings) {
    Config passivation =
        ConfigFactory.parseMap(
            Map.of(
                "passivation.strategy",
                "kvasir",
                "passivation.kvasir.idle-entity.timeout",
                settings.idleTimeout(),
                "passivation.kvasir.active-entity-limit",
                settings.maxSessions(),
                "passivation.kvasir.replacement.policy",
                "least-recently-used"));
    return ClusterShardingSettings.fromConfig(
        passivation
            .withFallback(settings.sharding())
            .withFallback(config.getConfig("pekko.cluster.sharding")));
  }

  private static Behavior<SessionMessage> replies(SessionClient client) {
    return Behaviors.supervise(
            Behaviors.<SessionMessage>receiveMessage(
                message -> {
                  if (message instanceof Told told) {
                    client.onTold(told);
                  }
                  return Behaviors.same();
                }))
        .onFailure(SupervisorStrategy.resume());
  }
}
