package io.kvasir.runtime.reference;

import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.set_num_threads;
import static org.bytedeco.pytorch.global.torch.silu;

import java.io.IOException;
import java.nio.DoubleBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The dense families (llama, mistral, qwen2, qwen3, phi3) in libtorch, f64, without a cache: all
 * tokens in one pass with an explicit mask. One thread; slow on purpose, for tiny checkpoints.
 */
public final class TorchReference implements AutoCloseable {
  private final ReferenceCheckpoint checkpoint;
  private final Map<String, Tensor> weights = new HashMap<>();
  private final String family;
  private final int layerCount;
  private final int headCount;
  private final int kvHeadCount;
  private final int headDim;
  private final double epsilon;

  /** Reads config.json and all shards of a checkpoint folder. */
  public TorchReference(Path folder) throws IOException {
    set_num_threads(1);
    checkpoint = new ReferenceCheckpoint(folder);
    family = checkpoint.config.get("model_type").asText();
    layerCount = checkpoint.integer("num_hidden_layers");
    headCount = checkpoint.integer("num_attention_heads");
    kvHeadCount = checkpoint.integer("num_key_value_heads", headCount);
    headDim = checkpoint.integer("head_dim", checkpoint.integer("hidden_size") / headCount);
    epsilon = checkpoint.number("rms_norm_eps", 1e-6);
  }

  /**
   * Logits of every row.
   *
   * @return {@code [tokens.length][vocabulary]}
   */
  public double[][] logits(int[] tokens) {
    try (PointerScope _ = new PointerScope()) {
      Tensor hidden = embed(tokens);
      ReferenceRope rope = ReferenceRope.of(checkpoint, headDim, tokens.length);
      Tensor cos = angles(rope, tokens.length, true);
      Tensor sin = angles(rope, tokens.length, false);
      for (int layer = 0; layer < layerCount; layer++) {
        String prefix = "model.layers." + layer + ".";
        Tensor normed = norm(hidden, prefix + "input_layernorm.weight");
        hidden = hidden.add(attention(normed, prefix + "self_attn.", layer, cos, sin));
        normed = norm(hidden, prefix + "post_attention_layernorm.weight");
        hidden = hidden.add(feedForward(normed, prefix + "mlp."));
      }
      hidden = norm(hidden, "model.norm.weight");
      boolean tied =
          !checkpoint.has("lm_head.weight")
              || checkpoint.config.path("tie_word_embeddings").asBoolean();
      return rows(linear(hidden, weight(tied ? "model.embed_tokens.weight" : "lm_head.weight")));
    }
  }

  private Tensor embed(int[] tokens) {
    long[] ids = new long[tokens.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens[i];
    }
    return weight("model.embed_tokens.weight").index_select(0, Tensor.create(ids, ids.length));
  }

  private Tensor attention(Tensor x, String prefix, int layer, Tensor cos, Tensor sin) {
    int queryWidth = headCount * headDim;
    int kvWidth = kvHeadCount * headDim;
    Tensor q;
    Tensor k;
    Tensor v;
    if (checkpoint.has(prefix + "qkv_proj.weight")) {
      Tensor fused = project(x, prefix + "qkv_proj");
      q = fused.narrow(1, 0, queryWidth);
      k = fused.narrow(1, queryWidth, kvWidth);
      v = fused.narrow(1, queryWidth + kvWidth, kvWidth);
    } else {
      q = project(x, prefix + "q_proj");
      k = project(x, prefix + "k_proj");
      v = project(x, prefix + "v_proj");
    }
    q = heads(q, headCount);
    k = heads(k, kvHeadCount);
    v = heads(v, kvHeadCount);
    if (checkpoint.has(prefix + "q_norm.weight")) {
      q = norm(q, prefix + "q_norm.weight");
      k = norm(k, prefix + "k_norm.weight");
    }
    q = rotate(q, cos, sin);
    k = repeat(rotate(k, cos, sin));
    v = repeat(v);
    int tokenCount = (int) x.size(0);
    Tensor scores =
        q.matmul(k.transpose(1, 2))
            .mul(new Scalar(1 / Math.sqrt(headDim)))
            .add(mask(tokenCount, window(layer)));
    Tensor mixed = scores.softmax(2).matmul(v);
    Tensor joined = mixed.transpose(0, 1).reshape(tokenCount, queryWidth);
    return project(joined, prefix + "o_proj");
  }

  private Tensor feedForward(Tensor x, String prefix) {
    Tensor gate;
    Tensor up;
    if (checkpoint.has(prefix + "gate_up_proj.weight")) {
      Tensor fused = project(x, prefix + "gate_up_proj");
      long half = fused.size(1) / 2;
      gate = fused.narrow(1, 0, half);
      up = fused.narrow(1, half, half);
    } else {
      gate = project(x, prefix + "gate_proj");
      up = project(x, prefix + "up_proj");
    }
    return project(silu(gate).mul(up), prefix + "down_proj");
  }

  /** Tokens visible at a layer, the own one included; {@code Integer.MAX_VALUE} for all. */
  private int window(int layer) {
    int width = checkpoint.integer("sliding_window", 0);
    if (width == 0) {
      return Integer.MAX_VALUE;
    }
    boolean slides;
    if (family.equals("qwen2") || family.equals("qwen3")) {
      boolean used =
          checkpoint.config.hasNonNull("use_sliding_window")
              && checkpoint.config.get("use_sliding_window").asBoolean();
      slides = used && layer >= checkpoint.integer("max_window_layers", 28);
    } else {
      slides = family.equals("mistral") || family.equals("phi3");
    }
    if (checkpoint.config.hasNonNull("layer_types")) {
      slides = checkpoint.config.get("layer_types").get(layer).asText().equals("sliding_attention");
    }
    return slides ? width : Integer.MAX_VALUE;
  }

  private static Tensor mask(int tokenCount, int window) {
    double[] mask = new double[tokenCount * tokenCount];
    for (int i = 0; i < tokenCount; i++) {
      for (int j = 0; j < tokenCount; j++) {
        boolean visible = j <= i && (long) i - j < window;
        mask[i * tokenCount + j] = visible ? 0 : Double.NEGATIVE_INFINITY;
      }
    }
    return Tensor.create(mask, tokenCount, tokenCount);
  }

  /** {@code [tokens, heads * d]} to {@code [heads, tokens, d]}. */
  private Tensor heads(Tensor x, int count) {
    return x.reshape(x.size(0), count, headDim).transpose(0, 1);
  }

  /** Query head h reads KV head h / (H / Hkv). */
  private Tensor repeat(Tensor x) {
    long tokens = x.size(1);
    return x.unsqueeze(1)
        .expand(kvHeadCount, headCount / kvHeadCount, tokens, headDim)
        .reshape(headCount, tokens, headDim);
  }

  private Tensor rotate(Tensor x, Tensor cos, Tensor sin) {
    long half = cos.size(1);
    Tensor first = x.narrow(2, 0, half);
    Tensor second = x.narrow(2, half, half);
    Tensor out = x.contiguous().clone();
    out.narrow(2, 0, half).copy_(first.mul(cos).sub(second.mul(sin)));
    out.narrow(2, half, half).copy_(second.mul(cos).add(first.mul(sin)));
    return out;
  }

  private static Tensor angles(ReferenceRope rope, int tokenCount, boolean cosine) {
    int pairs = rope.frequencies().length;
    double[] table = new double[tokenCount * pairs];
    for (int t = 0; t < tokenCount; t++) {
      for (int i = 0; i < pairs; i++) {
        double angle = t * rope.frequencies()[i];
        table[t * pairs + i] = rope.magnitude() * (cosine ? Math.cos(angle) : Math.sin(angle));
      }
    }
    return Tensor.create(table, tokenCount, pairs);
  }

  private Tensor norm(Tensor x, String name) {
    Tensor meanSquare =
        x.square().mean(new long[] {-1}, true, new org.bytedeco.pytorch.ScalarTypeOptional());
    return x.mul(meanSquare.add(new Scalar(epsilon)).rsqrt()).mul(weight(name));
  }

  private Tensor project(Tensor x, String name) {
    Tensor product = linear(x, weight(name + ".weight"));
    return checkpoint.has(name + ".bias") ? product.add(weight(name + ".bias")) : product;
  }

  private Tensor weight(String name) {
    Tensor known = weights.get(name);
    if (known == null) {
      ReferenceCheckpoint.Dense dense = checkpoint.tensor(name);
      known = Tensor.create(dense.values(), dense.shape());
      // Keeps the weight alive when the scope of the running pass ends.
      known.retainReference();

      weights.put(name, known);
    }
    return known;
  }

  private static double[][] rows(Tensor logits) {
    int rowCount = (int) logits.size(0);
    int columnCount = (int) logits.size(1);
    DoubleBuffer data = logits.contiguous().createBuffer();
    double[][] out = new double[rowCount][columnCount];
    for (int r = 0; r < rowCount; r++) {
      data.get(r * columnCount, out[r]);
    }
    return out;
  }

  @Override
  public void close() {
    weights.values().forEach(Tensor::releaseReference);
  }
}
