package io.kvasir.runtime.train;

import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * AdamW over a network's parameters: weight decay on matrices only, gradients clipped to norm 1.
 *
 * <p>Owned by the thread that trains.
 */
final class LlamaOptimizer {
  private static final double WEIGHT_DECAY = 0.05;

  private final TensorVector all;
  // One optimiser for matrices and one for norms, since they differ in decay.
  private final AdamW[] optimizers;

  LlamaOptimizer(LlamaNet net) {
    Tensor[] parameters = net.parameters().values().toArray(Tensor[]::new);
    all = new TensorVector(parameters);
    optimizers =
        new AdamW[] {
          optimizer(parameters, true, WEIGHT_DECAY), optimizer(parameters, false, 0),
        };
  }

  private static AdamW optimizer(Tensor[] parameters, boolean matrices, double decay) {
    TensorVector chosen =
        new TensorVector(
            java.util.Arrays.stream(parameters)
                .filter(parameter -> (parameter.dim() == 2) == matrices)
                .toArray(Tensor[]::new));
    AdamWOptions options = new AdamWOptions(0);
    options.betas().put(0.9, 0.95);
    options.weight_decay().put(decay);
    return new AdamW(chosen, options);
  }

  /** Back-propagates a loss and moves the parameters. */
  void step(Tensor loss, double learningRate) {
    for (AdamW optimizer : optimizers) {
      optimizer.zero_grad();
    }
    loss.backward();
    torch.clip_grad_norm_(all, 1.0);
    for (AdamW optimizer : optimizers) {
      optimizer.param_groups().get(0).options().set_lr(learningRate);
      optimizer.step();
    }
  }
}
