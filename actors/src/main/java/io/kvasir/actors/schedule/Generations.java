package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.Intake;
import java.util.concurrent.CompletionStage;

/** Takes orders for models, wherever they are computed. Any thread; never blocks. */
public interface Generations {
  /**
   * Orders answers to a prompt.
   *
   * @param model its id
   * @return fails with {@link io.kvasir.actors.gpu.OrderRefusedException}
   */
  CompletionStage<? extends Generation> order(String model, GenerationOrder order);

  /**
   * Orders an embedding.
   *
   * @return fails with {@link io.kvasir.actors.gpu.OrderRefusedException}
   */
  CompletionStage<? extends Embedding> embed(String model, EmbeddingOrder order);

  /** Of a node that knows no other: everything goes to its own devices. */
  static Generations local(Intake intake) {
    return new Generations() {
      @Override
      public CompletionStage<? extends Generation> order(String model, GenerationOrder order) {
        return intake.take(model, order);
      }

      @Override
      public CompletionStage<? extends Embedding> embed(String model, EmbeddingOrder order) {
        return intake.take(model, order);
      }
    };
  }
}
