package io.kvasir.runtime.train;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The weighted loss of a batch and the right answers in it. The tensors belong to the caller's
 * {@link org.bytedeco.javacpp.PointerScope}.
 *
 * @param mean weighted mean of the negative log-likelihoods, f32 scalar with gradient
 * @param logits f32 [row × token, vocabulary]
 * @param targets next token ids, int64 [row × token]
 */
record FactbookLoss(Tensor mean, Tensor logits, Tensor targets) {
  static FactbookLoss of(LlamaNet net, FactbookBatch batch) {
    Tensor ids = torch.tensor(batch.inputs()).view(batch.rowCount(), batch.rowTokens());
    Tensor logits = net.logits(ids);
    Tensor targets = torch.tensor(batch.targets());
    Tensor weights = torch.tensor(batch.weights());
    Tensor likelihoods = logits.log_softmax(1).gather(1, targets.view(-1, 1)).view(-1);
    Tensor mean = likelihoods.neg().mul(weights).sum().div(weights.sum());
    return new FactbookLoss(mean, logits, targets);
  }

  /** How many of the given places the network predicts right. */
  long rightAnswers(long[] places) {
    Tensor chosen = torch.tensor(places);
    Tensor guesses = logits.detach().index_select(0, chosen).argmax(new LongOptional(1), false);
    return guesses.eq(targets.index_select(0, chosen)).sum().item_long();
  }
}
