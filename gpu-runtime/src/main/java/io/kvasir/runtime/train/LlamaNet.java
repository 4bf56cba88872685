package io.kvasir.runtime.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A Llama decoder in libtorch for training: RMSNorm, half-split rotary positions, grouped-query
 * attention, SwiGLU, untied head; f32.
 *
 * <p>Parameters carry their Hugging Face names and shapes ([out, in] for projections), in the order
 * in which a checkpoint lists them. Owned by one thread. The tensors live as long as this object;
 * results of {@link #logits} belong to the caller's {@link org.bytedeco.javacpp.PointerScope}.
 */
final class LlamaNet {
  private final LlamaShape shape;
  private final Map<String, Tensor> parameters = new LinkedHashMap<>();
  private final Tensor cos;
  private final Tensor sin;

  /** Draws new parameters from libtorch's generator; seed it with {@code torch.manual_seed}. */
  LlamaNet(LlamaShape shape) {
    this.shape = shape;
    int hidden = shape.hiddenSize();
    int queryWidth = shape.headCount() * shape.headDim();
    int kvWidth = shape.kvHeadCount() * shape.headDim();
    // Blocks start small, so that the residual stream is the embedding at first.
    double residualScale = 1 / Math.sqrt(2.0 * shape.layerCount());
    matrix("model.embed_tokens.weight", shape.vocabularySize(), hidden, 1);
    for (int layer = 0; layer < shape.layerCount(); layer++) {
      String prefix = "model.layers." + layer + ".";
      ones(prefix + "input_layernorm.weight", hidden);
      matrix(prefix + "self_attn.q_proj.weight", queryWidth, hidden, fanIn(hidden));
      matrix(prefix + "self_attn.k_proj.weight", kvWidth, hidden, fanIn(hidden));
      matrix(prefix + "self_attn.v_proj.weight", kvWidth, hidden, fanIn(hidden));
      matrix(
          prefix + "self_attn.o_proj.weight",
          hidden,
          queryWidth,
          fanIn(queryWidth) * residualScale);
      ones(prefix + "post_attention_layernorm.weight", hidden);
      matrix(prefix + "mlp.gate_proj.weight", shape.ffnSize(), hidden, fanIn(hidden));
      matrix(prefix + "mlp.up_proj.weight", shape.ffnSize(), hidden, fanIn(hidden));
      matrix(
          prefix + "mlp.down_proj.weight",
          hidden,
          shape.ffnSize(),
          fanIn(shape.ffnSize()) * residualScale);
    }
    ones("model.norm.weight", hidden);
    matrix("lm_head.weight", shape.vocabularySize(), hidden, fanIn(hidden));
    cos = rotaryTable(false);
    sin = rotaryTable(true);
  }

  LlamaShape shape() {
    return shape;
  }

  /** All parameters by Hugging Face name, in checkpoint order. */
  Map<String, Tensor> parameters() {
    return parameters;
  }

  /**
   * Logits of every position.
   *
   * @param tokenIds int64 [batch, tokens]
   * @return f32 [batch × tokens, vocabulary]
   */
  Tensor logits(Tensor tokenIds) {
    return head(hidden(tokenIds));
  }

  /**
   * Logits of rows of the residual stream.
   *
   * @param rows f32 [rows, hidden], as {@link #hidden} returns them
   * @return f32 [rows, vocabulary]
   */
  Tensor head(Tensor rows) {
    return project(norm(rows, "model.norm.weight"), "lm_head.weight");
  }

  /**
   * The residual stream after the last layer.
   *
   * @param tokenIds int64 [batch, tokens]
   * @return f32 [batch × tokens, hidden]
   */
  Tensor hidden(Tensor tokenIds) {
    long batch = tokenIds.size(0);
    long tokens = tokenIds.size(1);
    Tensor hidden =
        torch
            .embedding(parameters.get("model.embed_tokens.weight"), tokenIds)
            .reshape(batch * tokens, shape.hiddenSize());
    Tensor rowCos = cos.narrow(0, 0, tokens);
    Tensor rowSin = sin.narrow(0, 0, tokens);
    for (int layer = 0; layer < shape.layerCount(); layer++) {
      String prefix = "model.layers." + layer + ".";
      Tensor input = norm(hidden, prefix + "input_layernorm.weight");
      Tensor mixed = attention(input, prefix + "self_attn.", batch, tokens, rowCos, rowSin);
      hidden = hidden.add(mixed);
      Tensor middle = norm(hidden, prefix + "post_attention_layernorm.weight");
      hidden = hidden.add(feedForward(middle, prefix + "mlp."));
    }
    return hidden;
  }

  private Tensor attention(
      Tensor input, String prefix, long batch, long tokens, Tensor rowCos, Tensor rowSin) {
    int group = shape.headCount() / shape.kvHeadCount();
    Tensor query = heads(project(input, prefix + "q_proj.weight"), batch, tokens);
    Tensor key = heads(project(input, prefix + "k_proj.weight"), batch, tokens);
    Tensor value = heads(project(input, prefix + "v_proj.weight"), batch, tokens);
    key = repeatHeads(rotate(key, rowCos, rowSin), group);
    Tensor mixed =
        torch.scaled_dot_product_attention(
            rotate(query, rowCos, rowSin),
            key,
            repeatHeads(value, group),
            new TensorOptional(),
            0,
            true,
            new DoubleOptional(),
            false);
    Tensor rows =
        mixed.transpose(1, 2).reshape(batch * tokens, (long) shape.headCount() * shape.headDim());
    return project(rows, prefix + "o_proj.weight");
  }

  private Tensor feedForward(Tensor input, String prefix) {
    Tensor gate = torch.silu(project(input, prefix + "gate_proj.weight"));
    Tensor up = project(input, prefix + "up_proj.weight");
    return project(gate.mul(up), prefix + "down_proj.weight");
  }

  private Tensor project(Tensor rows, String name) {
    return torch.linear(rows, parameters.get(name));
  }

  private Tensor norm(Tensor rows, String name) {
    return torch.rms_norm(
        rows,
        new long[] {shape.hiddenSize()},
        new TensorOptional(parameters.get(name)),
        new DoubleOptional(shape.normEpsilon()));
  }

  private Tensor heads(Tensor rows, long batch, long tokens) {
    return rows.view(batch, tokens, -1, shape.headDim()).transpose(1, 2);
  }

  private Tensor repeatHeads(Tensor heads, int group) {
    return group == 1
        ? heads
        : torch.repeat_interleave(heads, group, new LongOptional(1), new LongOptional());
  }

  private Tensor rotate(Tensor heads, Tensor rowCos, Tensor rowSin) {
    long half = shape.headDim() / 2;
    Tensor turned =
        torch.cat(
            new TensorVector(heads.narrow(-1, half, half).neg(), heads.narrow(-1, 0, half)), -1);
    return heads.mul(rowCos).add(turned.mul(rowSin));
  }

  private Tensor rotaryTable(boolean sine) {
    int half = shape.headDim() / 2;
    float[] table = new float[shape.maxPositions() * shape.headDim()];
    for (int position = 0; position < shape.maxPositions(); position++) {
      for (int pair = 0; pair < half; pair++) {
        double angle = position * Math.pow(shape.ropeTheta(), -2.0 * pair / shape.headDim());
        float entry = (float) (sine ? Math.sin(angle) : Math.cos(angle));
        table[position * shape.headDim() + pair] = entry;
        table[position * shape.headDim() + half + pair] = entry;
      }
    }
    return torch.tensor(table).view(shape.maxPositions(), shape.headDim());
  }

  private static double fanIn(int width) {
    return 1 / Math.sqrt(width);
  }

  private void matrix(String name, int rows, int columns, double deviation) {
    Tensor drawn = torch.randn(rows, columns).mul_(new Scalar(deviation));
    parameters.put(name, drawn.set_requires_grad(true));
  }

  private void ones(String name, int width) {
    parameters.put(name, torch.ones(width).set_requires_grad(true));
  }
}
