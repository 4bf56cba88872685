package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** From config.json to {@link ModelConfig}; collects every problem before it refuses. */
final class ModelConfigParser {
  static final String FILE = "config.json";
  private static final int MAX_LAYERS = 1024;
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_VOCAB = 1 << 24;
  private static final int MAX_POSITIONS = 1 << 28;

  /** What the published configuration classes assume for a key that config.json leaves out. */
  private record Family(
      int kvHeads, int headDim, double eps, int maxPositions, int window, boolean fused) {}

  private static final Map<String, Family> FAMILIES =
      Map.of(
          "llama", new Family(0, 0, 1e-6, 2048, 0, false),
          "mistral", new Family(8, 0, 1e-6, 131_072, 4096, false),
          "qwen2", new Family(32, 0, 1e-6, 32_768, 4096, false),
          "qwen3", new Family(32, 128, 1e-6, 32_768, 4096, false),
          "phi3", new Family(0, 0, 1e-5, 4096, 0, true));

  private final Problems problems;
  private final ConfigReader in;

  private ModelConfigParser(JsonNode root, Problems problems) {
    this.problems = problems;
    this.in = new ConfigReader(root, FILE, problems);
  }

  static ModelConfig parse(byte[] bytes) {
    Problems problems = new Problems();
    JsonNode root = Json.object(bytes, FILE);
    ModelConfig config = new ModelConfigParser(root, problems).read();
    problems.throwIfAny();
    return config;
  }

  private ModelConfig read() {
    String type = in.stringOr("model_type", "absent");
    Family family = FAMILIES.get(type);
    if (family == null) {
      throw new CheckpointException(
          FILE
              + ": model_type is "
              + Problems.quote(type)
              + ", supported are llama, mistral, phi3, qwen2 and qwen3: choose such a model.");
    }
    int vocab = in.requiredInt("vocab_size", 1, MAX_VOCAB);
    int hidden = in.requiredInt("hidden_size", 1, MAX_WIDTH);
    int layers = in.requiredInt("num_hidden_layers", 1, MAX_LAYERS);
    int heads = in.requiredInt("num_attention_heads", 1, 4096);
    int intermediate = in.requiredInt("intermediate_size", 1, MAX_WIDTH);
    // What follows is checked against the sizes; with wrong ones it would only add noise.
    problems.throwIfAny();
    refuseWhatWouldChangeTheResult();
    boolean kvNull = in.isNull("num_key_value_heads") || family.kvHeads() == 0;
    int kvHeads =
        in.intOr("num_key_value_heads", kvNull ? heads : family.kvHeads(), 1, Math.max(1, heads));
    if (heads % kvHeads != 0) {
      problems.add(
          FILE
              + ": num_attention_heads="
              + heads
              + " is not a multiple of num_key_value_heads="
              + kvHeads
              + ": correct the file.");
    }
    int headDim = headDim(family, hidden, heads);
    int maxPositions = in.intOr("max_position_embeddings", family.maxPositions(), 1, MAX_POSITIONS);
    RopeConfig rope = new RopeParser(in, problems).read(type, headDim, maxPositions);
    boolean attentionBias = in.booleanOr("attention_bias", false);
    boolean biasByKey = attentionBias && (type.equals("llama") || type.equals("qwen3"));
    return new ModelConfig(
        type,
        vocab,
        hidden,
        intermediate,
        layers,
        heads,
        kvHeads,
        headDim,
        in.doubleOr("rms_norm_eps", family.eps(), 1e-12, 1),
        rope,
        maxPositions,
        slidingWindows(type, family, layers),
        in.booleanOr("tie_word_embeddings", false),
        type.equals("qwen2") || biasByKey,
        biasByKey,
        type.equals("llama") && in.booleanOr("mlp_bias", false),
        type.equals("qwen3"),
        family.fused(),
        in.tokenIds("bos_token_id", vocab),
        in.tokenIds("eos_token_id", vocab),
        dtype());
  }

  private void refuseWhatWouldChangeTheResult() {
    String act = in.stringOr("hidden_act", "silu");
    if (!act.equals("silu") && !act.equals("swish")) {
      problems.add(
          FILE
              + ": hidden_act is "
              + Problems.quote(act)
              + ", supported is \"silu\": choose a model with SwiGLU.");
    }
    if (in.has("quantization_config")) {
      JsonNode method = in.get("quantization_config").get("quant_method");
      problems.add(
          FILE
              + ": quantization_config (quant_method "
              + Problems.quote(method == null ? "absent" : method.asText())
              + ") is not supported, weights must be BF16, F16 or F32: take the unquantised"
              + " checkpoint and quantise at run time.");
    }
    JsonNode architectures = in.get("architectures");
    if (architectures != null && architectures.isArray() && !architectures.isEmpty()) {
      boolean causal = false;
      for (JsonNode name : architectures) {
        causal |= name.asText().endsWith("ForCausalLM");
      }
      if (!causal) {
        problems.add(
            FILE
                + ": architectures names "
                + Problems.quote(architectures.get(0).asText())
                + ", supported are names that end in ForCausalLM: choose the language model.");
      }
    }
  }

  private int headDim(Family family, int hidden, int heads) {
    if (!in.has("head_dim") && family.headDim() == 0 && hidden % heads != 0) {
      problems.add(
          FILE
              + ": hidden_size="
              + hidden
              + " is not a multiple of num_attention_heads="
              + heads
              + ": correct them or give head_dim.");
    }
    boolean byFamily = family.headDim() != 0 && !in.isNull("head_dim");
    int fallback = byFamily ? family.headDim() : Math.max(1, hidden / Math.max(1, heads));
    int headDim = in.intOr("head_dim", fallback, 1, 4096);
    if (headDim % 2 != 0) {
      problems.add(
          FILE + ": head_dim=" + headDim + " is odd, rotation needs pairs: correct the file.");
    }
    return headDim;
  }

  private List<Integer> slidingWindows(String type, Family family, int layers) {
    boolean qwen = type.startsWith("qwen");
    boolean absent = in.get("sliding_window") == null;
    int window = in.intOr("sliding_window", absent ? family.window() : 0, 0, MAX_POSITIONS);
    boolean off = type.equals("llama") || (qwen && !in.booleanOr("use_sliding_window", false));
    // Published Qwen files keep max_window_layers beyond the layer count to say "none slides".
    int firstSliding = qwen ? in.intOr("max_window_layers", 28, 0, MAX_POSITIONS) : 0;
    JsonNode types = in.has("layer_types") ? in.get("layer_types") : null;
    if (types != null && (!types.isArray() || types.size() != layers)) {
      in.refuse("layer_types", types, "a list of " + layers + " entries (num_hidden_layers)");
      types = null;
    }
    List<Integer> windows = new ArrayList<>(layers);
    for (int l = 0; l < layers; l++) {
      boolean sliding = l >= firstSliding;
      if (types != null) {
        String layerType = types.get(l).asText();
        sliding = layerType.equals("sliding_attention");
        if (!sliding && !layerType.equals("full_attention")) {
          in.refuse("layer_types", types.get(l), "full_attention or sliding_attention");
          break;
        }
      }
      windows.add(off || !sliding ? 0 : window);
    }
    return windows;
  }

  private DType dtype() {
    String key = in.has("dtype") ? "dtype" : "torch_dtype";
    String name = in.stringOr(key, "float32");
    DType dtype = DType.ofTorch(name).filter(DType::isWeight).orElse(null);
    if (dtype == null) {
      in.refuse(key, in.get(key), "bfloat16, float16 or float32");
      return DType.F32;
    }
    return dtype;
  }
}
