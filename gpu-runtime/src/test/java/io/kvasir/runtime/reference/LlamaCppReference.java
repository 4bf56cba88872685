package io.kvasir.runtime.reference;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * llama.cpp with an f32 cache, teacher-forced: the greedy successor of every prefix of a sequence.
 * The file must come from {@code LlamaGguf}, whose dummy vocabulary maps ids and texts one to one.
 *
 * <p>Each model lives in a process of its own: the binding answers wrongly now and then when a
 * second model is opened in one JVM, its server thread keeps a JVM alive, and it aborts on errors.
 */
public final class LlamaCppReference implements AutoCloseable {
  private final Process process;
  private final PrintStream requests;
  private final BufferedReader answers;

  /**
   * What follows one prefix.
   *
   * @param argmax the greedy token
   * @param clear its logit leads by at least the margin
   */
  public record Successor(int argmax, boolean clear) {}

  /**
   * Starts the process and loads the model.
   *
   * @param contextTokens longest sequence that will be asked for, one generated token included
   * @param margin in logits, see {@link Successor#clear()}
   * @param scratch an existing folder of the caller's own, where the native library is unpacked
   */
  public LlamaCppReference(Path gguf, int contextTokens, double margin, Path scratch)
      throws IOException {
    process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-Dde.kherud.llama.tmpdir=" + scratch,
                "-cp",
                System.getProperty("java.class.path"),
                LlamaCppChild.class.getName(),
                gguf.toString(),
                Integer.toString(contextTokens),
                Double.toString(margin))
            .redirectError(scratch.resolve("llama.log").toFile())
            .start();
    requests = new PrintStream(process.getOutputStream(), true);
    answers = new BufferedReader(new InputStreamReader(process.getInputStream()));
  }

  /** The greedy successor of {@code tokens[0..i]} for each i. */
  public Successor[] successors(int[] tokens) throws IOException {
    requests.println(
        Arrays.stream(tokens).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
    String line = answers.readLine();
    if (line == null) {
      throw new IOException("llama.cpp ended early, see llama.log in the scratch folder");
    }
    return Arrays.stream(line.split(" "))
        .map(word -> new Successor(Integer.parseInt(word.replace("?", "")), !word.endsWith("?")))
        .toArray(Successor[]::new);
  }

  @Override
  public void close() {
    requests.close();
    process.destroyForcibly();
  }
}
