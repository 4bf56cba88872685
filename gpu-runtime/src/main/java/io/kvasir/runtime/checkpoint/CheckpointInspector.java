package io.kvasir.runtime.checkpoint;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Says what a checkpoint is and everything that would stop it from loading, without loading it.
 * Where {@link Checkpoint#open} ends at the first problem, this goes on as far as it can. Not
 * thread-safe; one use.
 */
public final class CheckpointInspector {
  /**
   * What was found.
   *
   * @param text lines for a terminal, problems included
   * @param problems one sentence each; empty means that it loads
   */
  public record Report(String text, List<String> problems) {
    public boolean loads() {
      return problems.isEmpty();
    }
  }

  private final String location;
  private final StringBuilder out = new StringBuilder();
  private final Problems problems = new Problems();

  private CheckpointInspector(String location) {
    this.location = location;
  }

  /** Inspects what {@link Checkpoint#open} would open; never throws for what it finds there. */
  public static Report inspect(String location) {
    CheckpointInspector inspector = new CheckpointInspector(location);
    inspector.problems.collect(inspector::run);
    inspector.finish();
    return new Report(inspector.out.toString(), inspector.problems.list());
  }

  private void run() {
    line("location", location);
    if (location.startsWith("dummy:")) {
      ModelConfig config = ModelConfig.parse(Checkpoint.dummyConfigJson(location));
      describe(config);
      line("weights", "random BF16, " + bytes(2 * config.parameterCount()) + ", made when loading");
      line("tokenizer", "words t0, t1, ... and bytes");
      return;
    }
    CheckpointFolder folder = Checkpoint.folder(location);
    ModelConfig[] config = {null};
    problems.collect(
        () -> {
          config[0] = ModelConfig.parse(Checkpoint.configJson(folder));
          describe(config[0]);
        });
    problems.collect(() -> weights(folder, config[0]));
    problems.collect(() -> tokenizer(folder, config[0]));
    problems.collect(
        () ->
            line(
                "chat template",
                Checkpoint.chatTemplate(folder) == null ? "none: only /v1/completions" : "yes"));
    if (config[0] != null) {
      problems.collect(() -> defaults(Checkpoint.generationDefaults(folder, config[0])));
    }
  }

  private void describe(ModelConfig c) {
    line("family", c.modelType());
    line(
        "shape",
        "%d layers, hidden %d, ffn %d, %d heads of %d, %d kv heads, vocabulary %d"
            .formatted(
                c.layerCount(),
                c.hiddenSize(),
                c.intermediateSize(),
                c.headCount(),
                c.headDim(),
                c.kvHeadCount(),
                c.vocabSize()));
    String scaling = c.rope().scaling().getClass().getSimpleName().toLowerCase(Locale.ROOT);
    line(
        "positions",
        "%d, rope theta %s over %d of %d dimensions, scaling %s"
            .formatted(
                c.maxPositionEmbeddings(),
                number(c.rope().theta()),
                c.rope().rotaryDims(),
                c.headDim(),
                scaling));
    line("window", windows(c));
    line("output", c.tieWordEmbeddings() ? "shares the embedding" : "own weights");
    line("parameters", "%,d".formatted(c.parameterCount()));
    line(
        "kv per token",
        "%,d bytes as bf16, %,d bytes as f32"
            .formatted(c.kvBytesPerToken(2), c.kvBytesPerToken(4)));
  }

  private static String windows(ModelConfig c) {
    Set<Integer> sizes = new TreeSet<>(c.slidingWindows());
    if (sizes.equals(Set.of(0))) {
      return "none";
    }
    List<String> parts = new ArrayList<>();
    for (int size : sizes) {
      long count = c.slidingWindows().stream().filter(w -> w == size).count();
      parts.add(
          count + " layers see " + (size == 0 ? "everything" : "the last " + size + " tokens"));
    }
    return String.join(", ", parts);
  }

  private void weights(CheckpointFolder folder, ModelConfig config) {
    try (CheckpointTensors tensors = CheckpointTensors.open(folder)) {
      Set<DType> types = EnumSet.noneOf(DType.class);
      tensors.names().forEach(name -> types.add(tensors.describe(name).dtype()));
      line(
          "weights",
          "%s in %d file%s, %s"
              .formatted(
                  bytes(tensors.dataBytes()),
                  tensors.files().size(),
                  tensors.files().size() == 1 ? "" : "s",
                  types));
      if (config != null) {
        ModelTensors.check(config, tensors, problems);
      }
    }
  }

  private void tokenizer(CheckpointFolder folder, ModelConfig config) {
    byte[] json = Checkpoint.tokenizerJson(folder);
    try (TextTokenizer tokenizer =
        config == null
            ? HuggingFaceTextTokenizer.parse(json)
            : Checkpoint.openTokenizer(json, config)) {
      line("tokenizer", tokenizer.idCount() + " ids");
    }
  }

  private void defaults(GenerationDefaults d) {
    List<String> parts = new ArrayList<>();
    parts.add(d.doSample() ? "sampled" : "greedy");
    d.temperature().ifPresent(t -> parts.add("temperature " + number(t)));
    d.topP().ifPresent(p -> parts.add("top_p " + number(p)));
    d.topK().ifPresent(k -> parts.add("top_k " + k));
    d.minP().ifPresent(p -> parts.add("min_p " + number(p)));
    d.repetitionPenalty().ifPresent(p -> parts.add("repetition_penalty " + number(p)));
    parts.add("ends at " + d.eosTokenIds());
    line("defaults", String.join(", ", parts));
  }

  private void finish() {
    line("loads", problems.isEmpty() ? "yes" : "no, " + problems.list().size() + " problem(s):");
    problems.list().forEach(problem -> out.append("  - ").append(problem).append('\n'));
  }

  private void line(String name, String value) {
    out.append("%-14s %s%n".formatted(name, value));
  }

  private static String bytes(long count) {
    return count < 10_000_000 ? "%,d bytes".formatted(count) : "%.2f GB".formatted(count / 1e9);
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
