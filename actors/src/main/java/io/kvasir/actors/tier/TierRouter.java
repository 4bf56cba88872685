package io.kvasir.actors.tier;

import io.kvasir.actors.tier.TierMessage.Addressed;
import io.kvasir.actors.tier.TierMessage.Declined;
import io.kvasir.actors.tier.TierMessage.Reason;
import io.kvasir.actors.tier.TierMessage.Request;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * The one address of a node's tiers: hands each message to the tier of the model that its blocks
 * belong to, and declines what no model here can read. Replies go straight to who asked. Any
 * thread.
 */
public final class TierRouter {
  private final Map<String, ActorRef<TierMessage>> tiers = new ConcurrentHashMap<>();
  private final ActorRef<TierMessage> actor;

  private TierRouter(ActorSystem<?> system) {
    actor =
        system.systemActorOf(
            Behaviors.supervise(behavior(tiers))
                .onFailure(RuntimeException.class, SupervisorStrategy.resume()),
            "kvasir-tiers",
            Props.empty());
  }

  /** Starts it without a tier; once an actor system. */
  public static TierRouter start(ActorSystem<?> system) {
    return new TierRouter(system);
  }

  private static Behavior<TierMessage> behavior(Map<String, ActorRef<TierMessage>> tiers) {
    return Behaviors.receiveMessage(
        message -> {
          if (message instanceof Addressed addressed) {
            ActorRef<TierMessage> tier =
                addressed.domain() == null ? null : tiers.get(addressed.domain());
            if (tier != null) {
              tier.tell(message);
            } else if (message instanceof Request request && request.replyTo() != null) {
              request.replyTo().tell(new Declined(request.id(), Reason.OTHER_DOMAIN));
            }
          }
          return Behaviors.same();
        });
  }

  /** For the node's {@link io.kvasir.actors.cluster.NodeInfo#tier}. */
  public ActorRef<TierMessage> ref() {
    return actor;
  }

  /** Messages of this domain go to this tier from now on. */
  public void add(String domain, TierService tier) {
    tiers.put(domain, tier.ref());
  }

  /** Messages of this domain are declined from now on. */
  public void remove(String domain) {
    tiers.remove(domain);
  }
}
