package io.kvasir.chaos.scenario;

import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.cluster.Answer;
import io.kvasir.chaos.cluster.AnswerStream;
import io.kvasir.chaos.cluster.ApiClient;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import io.kvasir.chaos.cluster.Question;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Requests of all kinds, of lengths around the ends of blocks, on nodes whose tiers are emptied at
 * random. That the sources of an answer's prompt add up is checked by {@link Answer} itself, on
 * every answer of every scenario; here the gateway's metrics are held to the same.
 */
public final class A15Accounting implements Scenario<ClusterUnderTest> {
  private static final int SALT = 1500;
  private static final int PROMPTS = 6;
  private static final List<String> TIERS = List.of("device", "host", "device,host");

  @Override
  public String name() {
    return "A15";
  }

  @Override
  public String shows() {
    return "the sources of every answer's prompt add up to the prompt, and the metrics to the "
        + "answers";
  }

  @Override
  public void play(ClusterUnderTest cluster, Scale scale, Evidence evidence) throws Exception {
    Nodes.clean(cluster, evidence);
    ApiClient api = cluster.api();
    Random random = new Random(SALT);
    double before = promptTokens(cluster);
    List<Answer> answers = new ArrayList<>();
    int rounds = Math.max(32, scale.repeats() / 10);
    for (int i = 0; i < rounds; i++) {
      int length = lengths(random);
      Question question =
          cluster
              .question(length, SALT + random.nextInt(PROMPTS))
              .on(cluster.computing().get(random.nextInt(cluster.computing().size())));
      switch (random.nextInt(6)) {
        case 0 -> answers.add(api.ask(question.with("n", 2).tokens(3)));
        case 1 -> answers.add(api.ask(question.from("peer")));
        case 2 -> answers.add(api.ask(question.from("host").tokens(2)));
        case 3 -> answers.add(streamed(api, question.tokens(5)));
        case 4 -> answers.add(api.ask(question.session("a15-" + i % 3)));
        default -> {
          String node = cluster.computing().get(random.nextInt(cluster.computing().size()));
          cluster.clear(node, TIERS.get(random.nextInt(TIERS.size())));
        }
      }
    }
    long device = answers.stream().mapToLong(Answer::device).sum();
    long host = answers.stream().mapToLong(Answer::host).sum();
    long peer = answers.stream().mapToLong(Answer::peer).sum();
    long all = answers.stream().mapToLong(Answer::promptTokens).sum();
    evidence.note(
        "%d answers of %d prompt tokens: device %d, host %d, peers %d",
        answers.size(), all, device, host, peer);
    evidence.holds(device > 0 && host > 0 && peer > 0, "every source has served");
    evidence.await(
        Evidence.PATIENCE,
        () -> "metrics of %d prompt tokens more than %.0f".formatted(all, before),
        () -> promptTokens(cluster) - before == all);
    evidence.note("the gateway's metrics name the same %d tokens by source", all);
    evidence.note("%d answers so far add up, in all scenarios", cluster.accounted());
    cluster.awaitRest(evidence);
  }

  private static int lengths(Random random) {
    int blocks = 1 + random.nextInt(Nodes.BLOCKS);
    return blocks * ClusterUnderTest.SLOTS + random.nextInt(3) - 1;
  }

  private static Answer streamed(ApiClient api, Question question) throws Exception {
    try (AnswerStream stream = api.stream(question)) {
      return stream.whole();
    }
  }

  private static double promptTokens(ClusterUnderTest cluster)
      throws IOException, InterruptedException {
    return cluster.metrics(cluster.gateway()).entrySet().stream()
        .filter(entry -> entry.getKey().startsWith("kvasir_prompt_tokens_total{"))
        .mapToDouble(entry -> entry.getValue())
        .sum();
  }
}
