package io.kvasir.node.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** The child's end of {@link PeerProcess}. */
final class PeerServer {
  private static final ObjectMapper JSON = new ObjectMapper();

  private PeerServer() {}

  /**
   * Loads an engine, says so, answers commands until standard input ends, and halts the process.
   * What the engine prints to standard output is turned to standard error.
   */
  static void serve(Callable<BenchEngine> loader) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    BenchEngine engine;
    try {
      engine = loader.call();
    } catch (Exception | LinkageError e) {
      out.println(JSON.writeValueAsString(Map.of("error", e.toString())));
      throw e;
    }
    out.println("{}");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(JSON.writeValueAsString(answer(engine, line.split(" "))));
    }
    Runtime.getRuntime().halt(0);
  }

  private static Map<String, Object> answer(BenchEngine engine, String[] words) {
    Map<String, Object> answer = new LinkedHashMap<>();
    try {
      switch (words[0]) {
        case "generate" -> {
          BenchEngine.Timing timing =
              engine.generate(
                  Integer.parseInt(words[1]), Integer.parseInt(words[2]), Long.parseLong(words[3]));
          answer.put("firstTokenSeconds", timing.firstTokenSeconds());
          answer.put("decodeTokensPerSecond", timing.decodeTokensPerSecond());
          answer.put("promptTokensComputed", timing.promptTokensComputed());
        }
        case "load" ->
            answer.putAll(
                engine.load(
                    Integer.parseInt(words[1]),
                    Double.parseDouble(words[2]),
                    Double.parseDouble(words[3]),
                    Long.parseLong(words[4])));
        default -> answer.put("error", "unknown command " + words[0]);
      }
    } catch (Exception e) {
      answer.put("error", e.toString());
    }
    return answer;
  }
}
