package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.kvasir.runtime.device.FreshJvm;
import io.kvasir.runtime.engine.LogitAdjuster;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Masks that were found once are applied without allocating, at any place of an answer. */
public final class GrammarAllocationTest {
  private static final int ROUNDS = 20;

  @Test
  void shouldAllocateNothingPerTokenOnceMasksAreFound() throws Exception {
    String[] printed = FreshJvm.run(GrammarAllocationTest.class).split(" ");
    assertEquals("0", printed[0], "bytes in a whole answer");
    assertTrue(Integer.parseInt(printed[1]) > 300, "tokens of the answer: " + printed[1]);
  }

  /** Prints the bytes allocated in the leanest of some answers, and its tokens. */
  public static void main(String[] args) {
    Vocabulary vocabulary = Vocabularies.bytesAndMerges(4000, 11);
    CompiledGrammar grammar = GrammarCompiler.compile(new GrammarSpec.JsonObject(), vocabulary);
    String text = "{\"name\": \"a line of text\", \"items\": [[1.25e3, true], {\"é\": null}]}";
    String whole = "{\"all\":[" + (text + ",").repeat(8) + text + "]}";
    int[] answer = new int[whole.getBytes(StandardCharsets.UTF_8).length];
    int at = 0;
    for (byte b : whole.getBytes(StandardCharsets.UTF_8)) {
      answer[at++] = 2 + (b & 0xFF);
    }
    float[] logits = new float[vocabulary.size()];
    Answers.Path[] paths = new Answers.Path[answer.length + 1];
    Arrays.setAll(paths, n -> new Answers.Path(answer, n));
    LogitAdjuster mask = grammar.newMask();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (Answers.Path path : paths) {
        mask.adjust(logits, 0, logits.length, path);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    System.out.println(least + " " + answer.length);
  }
}
