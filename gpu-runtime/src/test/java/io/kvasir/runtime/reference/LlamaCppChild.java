package io.kvasir.runtime.reference;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import de.kherud.llama.args.CacheType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.Map;

/**
 * The process that holds one llama.cpp model: a line of token ids in, the greedy successor of every
 * prefix out, each as {@code id} or, when its lead is below the margin, {@code id?}.
 *
 * <p>The binding can deliver neither logits nor probabilities (asking for them aborts the process),
 * so the margin is probed: the best token is asked for again with that penalty on its logit. Token
 * ids are given by putting a JSON array in the place of the prompt text.
 */
final class LlamaCppChild {
  private final LlamaModel model;
  private final InferenceParameters request =
      new InferenceParameters("").setNPredict(1).setTemperature(0).setCachePrompt(true);
  private final Map<String, String> requestFields = fields(request);

  private LlamaCppChild(String gguf, int contextTokens) {
    model =
        new LlamaModel(
            new ModelParameters()
                .setModel(gguf)
                .setCtxSize(contextTokens)
                .setParallel(1)
                .setThreads(1)
                .setThreadsBatch(1)
                .setCacheTypeK(CacheType.F32)
                .setCacheTypeV(CacheType.F32)
                .disableLog());
  }

  /** Arguments: GGUF file, context tokens, margin in logits. */
  public static void main(String[] args) throws IOException {
    PrintStream out = System.out;
    System.setOut(System.err);
    LlamaCppChild child = new LlamaCppChild(args[0], Integer.parseInt(args[1]));
    double margin = Double.parseDouble(args[2]);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      int[] tokens = Arrays.stream(line.split(" ")).mapToInt(Integer::parseInt).toArray();
      out.println(child.successors(tokens, margin));
    }
    // The binding's server thread outlives its model.
    Runtime.getRuntime().halt(0);
  }

  private String successors(int[] tokens, double margin) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < tokens.length; i++) {
      requestFields.put("prompt", Arrays.toString(Arrays.copyOf(tokens, i + 1)));
      requestFields.remove("logit_bias");
      int best = next();
      requestFields.put("logit_bias", "[[" + best + "," + -margin + "]]");
      line.append(i == 0 ? "" : " ").append(best).append(next() == best ? "" : "?");
    }
    return line.toString();
  }

  private int next() {
    String text = model.complete(request).strip();
    if (!text.startsWith("w")) {
      throw new IllegalStateException("llama.cpp answered '" + text + "', expected one token wN");
    }
    return Integer.parseInt(text.substring(1));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, String> fields(InferenceParameters request) {
    try {
      Field field = request.getClass().getSuperclass().getDeclaredField("parameters");
      field.setAccessible(true);
      return (Map<String, String>) field.get(request);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("the llama binding changed: no JsonParameters.parameters", e);
    }
  }
}
