package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.AnswerStream;
import io.kvasir.chaos.cluster.ApiClient;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;

/**
 * A prompt that lies on the device and in host memory is asked for again and again; now and then
 * the device forgets it, or a client leaves in the middle of its answer.
 */
public final class A2LeasedBytes implements Scenario<ClusterUnderTest> {
  private static final int SALT = 200;
  private static final int FORGET_EVERY = 10;
  private static final int LEAVE_EVERY = 25;
  private static final int LONG_ANSWER = 100;

  @Override
  public String name() {
    return "A2";
  }

  @Override
  public String shows() {
    return "a prompt resident on device and host, asked for thousands of times: leased bytes are "
        + "back to 0";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    String node = cluster.computing().getFirst();
    Nodes.clean(cluster, evidence);
    Question question = Nodes.question(cluster, SALT).on(node).explained();
    Answer computed = Nodes.compute(cluster, evidence, question, node);
    ApiClient api = cluster.api();
    long device = 0;
    long host = 0;
    int left = 0;
    long startNs = System.nanoTime();
    for (int i = 1; i <= scale.repeats(); i++) {
      if (i % FORGET_EVERY == 0) {
        cluster.clear(node, "device");
      }
      if (i % LEAVE_EVERY == 0) {
        try (AnswerStream stream = api.stream(question.tokens(LONG_ANSWER))) {
          evidence.await("an answer begins", () -> stream.events() > 0 || stream.isOver());
          left++;
        }
      }
      Answer again = api.ask(question);
      if (!again.texts().equals(computed.texts()) || again.hit() < Nodes.FULL) {
        evidence.holds(
            false,
            "repeat %d is served and right: %s, %s, %s",
            i,
            again.sources(),
            again.texts(),
            again.explanation().path("loading"));
      }
      device += again.device();
      host += again.host();
    }
    evidence.note(
        "%d repeats in %.1f s and %d clients that left: %d tokens from the device, %d from the"
            + " host",
        scale.repeats(), (System.nanoTime() - startNs) / 1e9, left, device, host);
    evidence.holds(device > 0 && host > 0, "both tiers have served");
    cluster.awaitRest(evidence);
  }
}
