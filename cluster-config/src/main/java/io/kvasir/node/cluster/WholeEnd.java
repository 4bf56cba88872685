package io.kvasir.node.cluster;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.MemberStatus;

/**
 * The end of a node whose whole cluster ends. Leaving takes rounds of gossip in which the others
 * agree and take over its shards; nodes that all leave at once wait for each other, and for
 * nothing. A node that is down, by its own word, waits for nobody.
 */
final class WholeEnd {
  private static final Duration LOOK = Duration.ofMillis(20);

  private WholeEnd() {}

  /** Completes when this node counts itself down; what shuts down after that skips its leave. */
  static CompletionStage<Done> withoutLeaving(ActorSystem<?> system) {
    Cluster cluster = Cluster.get(Adapter.toClassic(system));
    cluster.down(cluster.selfAddress());
    CompletableFuture<Done> down = new CompletableFuture<>();
    system.systemActorOf(look(cluster, down), "whole-end", Props.empty());
    return down;
  }

  private static Behavior<Done> look(Cluster cluster, CompletableFuture<Done> down) {
    return Behaviors.withTimers(
        timers -> {
          timers.startTimerWithFixedDelay(Done.getInstance(), LOOK);
          return Behaviors.receiveMessage(
              tick -> {
                if (!cluster.isTerminated()
                    && cluster.selfMember().status() != MemberStatus.down()) {
                  return Behaviors.same();
                }
                down.complete(Done.getInstance());
                return Behaviors.stopped();
              });
        });
  }
}
