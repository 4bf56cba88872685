package io.kvasir.runtime.engine.grammar.bench;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.TokenPath;
import io.kvasir.runtime.engine.grammar.CompiledGrammar;
import io.kvasir.runtime.engine.grammar.GrammarCompiler;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import io.kvasir.runtime.engine.grammar.Vocabularies;
import io.kvasir.runtime.engine.grammar.Vocabulary;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * What guided decoding costs a step at a vocabulary of 128,000: compile time, then the time of one
 * mask application over random answers, first with a grammar that has found no masks yet, then with
 * one that has. CPU time of the one thread in microseconds, so that a busy machine disturbs little;
 * mean, median and 99th percentile with their count. Arguments: vocabulary size, answers a grammar.
 */
public final class GrammarBench {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final int ANSWER_TOKENS = 200;
  private static final String RECORD =
      """
      {"type":"object","properties":{
        "name":{"type":"string","maxLength":80},
        "description":{"type":"string"},
        "kind":{"enum":["person","place","thing"]},
        "score":{"type":"number","minimum":0,"maximum":100},
        "when":{"type":"string","format":"date-time"},
        "tags":{"type":"array","items":{"type":"string"},"maxItems":8},
        "parts":{"type":"array","items":{"$ref":"#/$defs/part"}}},
       "required":["name","description","kind","score","when","tags","parts"],
       "$defs":{"part":{"type":"object","properties":{
          "id":{"type":"integer"},"label":{"type":"string","pattern":"^[A-Z][a-z -]{0,30}$"},
          "parts":{"type":"array","items":{"$ref":"#/$defs/part"}}},
         "required":["id","label"]}}}
      """;

  private GrammarBench() {}

  public static void main(String[] args) {
    int size = args.length > 0 ? Integer.parseInt(args[0]) : 128_000;
    int answers = args.length > 1 ? Integer.parseInt(args[1]) : 60;
    long start = THREADS.getCurrentThreadCpuTime();
    Vocabulary vocabulary = Vocabularies.bytesAndMerges(size, 4);
    System.out.printf(
        Locale.ROOT,
        "JDK %s, %d tokens, trie built in %.0f ms, %.1f MiB%n",
        Runtime.version(),
        size,
        (THREADS.getCurrentThreadCpuTime() - start) * 1e-6,
        vocabulary.lengthBytes() / 1048576.0);
    for (GrammarSpec spec :
        List.of(
            new GrammarSpec.JsonObject(),
            new GrammarSpec.JsonSchema(RECORD, true),
            new GrammarSpec.Regex("[A-Z][a-z]+( [a-z]+){3,20}\\."),
            new GrammarSpec.Choice(List.of("positive", "negative", "neutral")))) {
      run(spec, vocabulary, answers);
    }
  }

  private static void run(GrammarSpec spec, Vocabulary vocabulary, int answers) {
    // Compiler and masks are warmed up on other instances of the same grammar.
    for (int i = 0; i < 5; i++) {
      answer(GrammarCompiler.compile(spec, vocabulary), i, new double[ANSWER_TOKENS]);
    }
    long start = THREADS.getCurrentThreadCpuTime();
    CompiledGrammar grammar = GrammarCompiler.compile(spec, vocabulary);
    System.out.printf(
        Locale.ROOT,
        "%n%s: compiled in %.2f ms, %d states%n",
        spec.getClass().getSimpleName(),
        (THREADS.getCurrentThreadCpuTime() - start) * 1e-6,
        grammar.stateCount());
    double[] times = new double[ANSWER_TOKENS];
    print("first answer", times, answer(grammar, 1000, times));
    double[] all = new double[answers * ANSWER_TOKENS];
    int count = 0;
    for (int i = 0; i < answers; i++) {
      int taken = answer(grammar, i, times);
      System.arraycopy(times, 0, all, count, taken);
      count += taken;
    }
    print("later answers, new texts", all, count);
    count = 0;
    for (int i = 0; i < answers; i++) {
      int taken = answer(grammar, i, times);
      System.arraycopy(times, 0, all, count, taken);
      count += taken;
    }
    print("the same texts again", all, count);
    System.out.printf(Locale.ROOT, "  holds %.1f MiB%n", grammar.lengthBytes() / 1048576.0);
  }

  /** Draws an answer at random; times of the mask alone, in microseconds, and their count. */
  private static int answer(CompiledGrammar grammar, long seed, double[] times) {
    Random random = new Random(seed);
    LogitAdjuster mask = grammar.newMask();
    int[] answer = new int[times.length];
    float[] logits = new float[grammar.vocabulary().size()];
    for (int n = 0; n < times.length; n++) {
      Arrays.fill(logits, 0);
      Path path = new Path(answer, n);
      long start = THREADS.getCurrentThreadCpuTime();
      mask.adjust(logits, 0, logits.length, path);
      times[n] = (THREADS.getCurrentThreadCpuTime() - start) * 1e-3;
      answer[n] = pick(logits, random);
      if (answer[n] == Vocabularies.END) {
        return n + 1;
      }
    }
    return times.length;
  }

  private static int pick(float[] logits, Random random) {
    int from = random.nextInt(logits.length);
    // Single bytes now and then, so that strings close and texts get on.
    for (int i = 0; i < 300 && random.nextInt(3) == 0; i++) {
      int id = random.nextInt(258);
      if (logits[id] == 0) {
        return id;
      }
    }
    for (int i = 0; i < logits.length; i++) {
      int id = (from + i) % logits.length;
      if (logits[id] == 0) {
        return id;
      }
    }
    throw new IllegalStateException("a mask without a token");
  }

  private static void print(String what, double[] times, int count) {
    double[] sorted = Arrays.copyOf(times, count);
    Arrays.sort(sorted);
    System.out.printf(
        Locale.ROOT,
        "  %-26s mean %7.1f  median %7.1f  p99 %8.1f  max %8.1f us of %d%n",
        what,
        Arrays.stream(sorted).average().orElse(0),
        sorted[count / 2],
        sorted[(int) (0.99 * (count - 1))],
        sorted[count - 1],
        count);
  }

  private record Path(int[] answer, int count) implements TokenPath {
    @Override
    public int length() {
      return 1 + count;
    }

    @Override
    public int promptLength() {
      return 1;
    }

    @Override
    public int token(int index) {
      return index == 0 ? 0 : answer[index - 1];
    }
  }
}
