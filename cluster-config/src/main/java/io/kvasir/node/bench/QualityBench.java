package io.kvasir.node.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.train.factbook.FactbookQuestion;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;

/**
 * {@code kvasir bench quality}: held-out factbook questions (names never trained, documents never
 * seen, even over depth and number of facts) put greedily to a node through its HTTP API, once for
 * each weight format. The first format is the yardstick of the others' agreement.
 */
public final class QualityBench {
  private static final int CLIENTS = 8;
  private static final int ANSWER_TOKENS = 4;

  /** What the demonstration model must know to be worth showing. */
  private static final BenchRow.Goal ALL_RIGHT = BenchRow.Goal.atLeast(0.95);

  /** Resolving "it" across a chunk border is what the reuse methods put at risk. */
  private static final BenchRow.Goal CROSS_RIGHT = BenchRow.Goal.atLeast(0.90);

  /** int8 may not be felt by a user. */
  private static final BenchRow.Goal INT8_AGREES = BenchRow.Goal.atLeast(0.98);

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * @param model an embedded or trained factbook model
   * @param questions at least 1; fewer than 500 leave wide intervals
   * @param dtypes weight formats, the yardstick first
   * @param json where rows are written, null for nowhere
   */
  public record Options(
      String model,
      int questions,
      List<WeightFormat> dtypes,
      int threads,
      Path json,
      boolean strict) {
    public Options {
      dtypes = List.copyOf(dtypes);
      if (questions < 1) {
        throw new IllegalArgumentException("--questions=" + questions + " must be at least 1");
      }
    }

    /** 600 questions to the embedded model in bf16, int8 and int4. */
    public static Options defaults() {
      return new Options(
          "embedded:factbook",
          600,
          List.of(WeightFormat.BF16, WeightFormat.INT8, WeightFormat.INT4),
          Runtime.getRuntime().availableProcessors(),
          null,
          false);
    }
  }

  private QualityBench() {}

  /**
   * Asks, prints the table and writes the JSON file.
   *
   * @return the process's exit code
   */
  public static int run(Options options, PrintStream out) throws Exception {
    List<FactbookQuestion> questions = FactbookQuestion.evaluationSet(options.questions());
    BenchReport report =
        new BenchReport(
            "kvasir bench quality "
                + options.model()
                + ", "
                + questions.size()
                + " held-out questions, greedy, over HTTP",
            BenchEnvironment.of(FactbookQuestion.EVALUATION_SEED));
    Map<WeightFormat, List<String>> answers = new LinkedHashMap<>();
    for (WeightFormat dtype : options.dtypes()) {
      out.println(name(dtype) + ": asking " + questions.size() + " questions");
      answers.put(dtype, ask(options, dtype, questions));
    }
    WeightFormat yardstick = options.dtypes().getFirst();
    answers.forEach(
        (dtype, given) ->
            addRows(report, dtype, given, yardstick, answers.get(yardstick), questions));
    report.print(out);
    if (options.json() != null) {
      report.writeJson(options.json());
    }
    return report.exitCode(options.strict());
  }

  private static void addRows(
      BenchReport report,
      WeightFormat dtype,
      List<String> given,
      WeightFormat yardstick,
      List<String> reference,
      List<FactbookQuestion> questions) {
    boolean judged = dtype == WeightFormat.BF16;
    report.add(right(dtype, "all", given, questions, q -> true, judged ? ALL_RIGHT : null));
    report.add(right(dtype, "within a chunk", given, questions, q -> !q.crossChunk(), null));
    report.add(
        right(
            dtype,
            "across chunks",
            given,
            questions,
            FactbookQuestion::crossChunk,
            judged ? CROSS_RIGHT : null));
    if (dtype != yardstick) {
      int same = 0;
      for (int i = 0; i < given.size(); i++) {
        same += given.get(i).equals(reference.get(i)) ? 1 : 0;
      }
      report.add(
          share(
              name(dtype) + " gives the " + name(yardstick) + " answer",
              same,
              given.size(),
              dtype == WeightFormat.INT8 ? INT8_AGREES : null));
    }
  }

  private static BenchRow right(
      WeightFormat dtype,
      String part,
      List<String> given,
      List<FactbookQuestion> questions,
      Predicate<FactbookQuestion> counts,
      BenchRow.Goal goal) {
    int right = 0;
    int total = 0;
    for (int i = 0; i < questions.size(); i++) {
      if (counts.test(questions.get(i))) {
        total++;
        right += given.get(i).equals(questions.get(i).answer()) ? 1 : 0;
      }
    }
    return share(name(dtype) + " right, " + part, right, total, goal);
  }

  private static BenchRow share(String name, int hits, int total, BenchRow.Goal goal) {
    WilsonInterval interval = WilsonInterval.of(hits, total);
    String note = hits + " of " + total + ", " + interval;
    double share = total == 0 ? Double.NaN : (double) hits / total;
    return new BenchRow(
        name,
        share,
        "share",
        null,
        null,
        null,
        goal,
        goal == null ? null : goal.isMetBy(share),
        note);
  }

  private static List<String> ask(
      Options options, WeightFormat dtype, List<FactbookQuestion> questions) throws Exception {
    try (BenchNode node = new BenchNode(options.model(), name(dtype), options.threads());
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ExecutorService askers = Executors.newFixedThreadPool(CLIENTS)) {
      URI uri = URI.create(node.server().url() + "/v1/chat/completions");
      List<Future<String>> pending = new ArrayList<>();
      for (FactbookQuestion question : questions) {
        String body = body(node.server().modelName(), question);
        pending.add(askers.submit(() -> answer(client, uri, body)));
      }
      List<String> answers = new ArrayList<>();
      for (Future<String> answer : pending) {
        answers.add(answer.get());
      }
      return answers;
    }
  }

  private static String body(String model, FactbookQuestion question) {
    ObjectNode body = JSON.createObjectNode();
    body.put("model", model).put("temperature", 0).put("max_tokens", ANSWER_TOKENS);
    body.putArray("messages").addObject().put("role", "user").put("content", question.promptText());
    return body.toString();
  }

  private static String answer(HttpClient client, URI uri, String body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException("HTTP " + response.statusCode() + ": " + response.body());
    }
    JsonNode message = JSON.readTree(response.body()).at("/choices/0/message/content");
    return message.asText().strip().replaceAll("\\p{Punct}+$", "").toLowerCase(Locale.ROOT);
  }

  private static String name(WeightFormat dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
