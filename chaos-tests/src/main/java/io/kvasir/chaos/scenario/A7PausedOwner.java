package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.AnswerStream;
import io.kvasir.chaos.cluster.ApiClient;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;
import java.time.Duration;

/**
 * The node that computes an answer, and owns the blocks of another prompt, stands still for longer
 * than its leases and then goes on as if nothing had happened.
 */
public final class A7PausedOwner implements Scenario<ClusterUnderTest> {
  private static final int SALT = 700;
  private static final int LEAST_TOKENS = 40;
  private static final int MOST_TOKENS = 800;

  /** An answer that is to be on its way still when its first node wakes. */
  private static final Duration ANSWER = Duration.ofSeconds(4);

  /** Behind this a cluster has long removed who does not answer. */
  private static final Duration REMOVED = Duration.ofSeconds(40);

  private static final String EXIT = "Node %s ended with 4 (removed from the cluster)";

  @Override
  public String name() {
    return "A7";
  }

  @Override
  public String shows() {
    return "a paused owner is fenced by its own lease on wake: no token of its attempt reaches the"
        + " client, nothing of it stays leased, and where it was removed its launcher starts"
        + " it anew";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    String owner = cluster.computing().getFirst();
    String other = cluster.computing().getLast();
    ApiClient api = cluster.api();
    Nodes.clean(cluster, evidence);
    Question resident = Nodes.question(cluster, SALT).tokens(4);
    Answer kept = Nodes.compute(cluster, evidence, resident, owner);
    Question question = Nodes.question(cluster, SALT + 1).tokens(tokens(cluster, other));
    Answer expected = api.ask(question.on(other));
    int lives = cluster.lives(owner);
    Answer answer;
    int atWake;
    boolean over;
    AnswerStream stream = api.stream(question.on(owner));
    try {
      evidence.await("the answer has begun", () -> stream.events() >= 3);
      cluster.pause(owner);
      long pausedNs = System.nanoTime();
      int before = stream.events();
      try {
        evidence.holds(!stream.isOver(), "%s stands still behind %d tokens", owner, before);
        Nodes.right(evidence, kept, api.ask(resident.on(other)), "blocks of a paused owner");
        Duration gap =
            evidence.await(
                Evidence.PATIENCE,
                () -> "another node goes on behind " + stream.text(),
                () -> stream.events() > before + 1 || stream.isOver());
        evidence.note("the answer went on after %d ms", gap.toMillis());
        evidence.await(
            scale.pause().plus(Evidence.PATIENCE),
            () -> "a pause of " + scale.pause(),
            () -> System.nanoTime() - pausedNs >= scale.pause().toNanos());
      } finally {
        over = stream.isOver();
        atWake = stream.events();
        cluster.resume(owner);
      }
      evidence.note(
          "%s was woken after %.1f s, the answer was at piece %d and %s",
          owner, (System.nanoTime() - pausedNs) / 1e9, atWake, over ? "over" : "on its way");
      answer = stream.whole();
    } finally {
      stream.close();
    }
    Nodes.right(evidence, expected, answer, "begun by " + owner + ", ended by " + answer.node());
    evidence.equal(other, answer.node(), "node that ended it");
    evidence.holds(answer.attempts() >= 2, "%d nodes were asked", answer.attempts());
    if (scale.pause().compareTo(REMOVED) > 0) {
      evidence.await(
          Evidence.PATIENCE,
          () -> "a new life of " + owner + "\n" + String.join("\n", cluster.lines()),
          () -> cluster.lives(owner) > lives);
      evidence.holds(
          cluster.lines().stream().anyMatch(line -> line.contains(EXIT.formatted(owner))),
          "%s saw on wake that it had been removed, ended with 4 and was started again",
          owner);
    }
    evidence.note("every node is there again after %d ms", cluster.awaitWhole(evidence).toMillis());
    cluster.awaitRest(evidence);
    Nodes.right(evidence, expected, api.ask(question.on(owner)), "asked of " + owner + " itself");
    cluster.awaitRest(evidence);
  }

  /** Tokens that take about so long here. */
  private static int tokens(ClusterUnderTest cluster, String node) throws Exception {
    Question trial = Nodes.question(cluster, SALT + 2).on(node);
    cluster.api().ask(trial);
    long startNs = System.nanoTime();
    cluster.api().ask(trial.tokens(LEAST_TOKENS));
    long tokens = LEAST_TOKENS * ANSWER.toNanos() / (System.nanoTime() - startNs);
    return Math.clamp(tokens, LEAST_TOKENS, MOST_TOKENS);
  }
}
