package io.kvasir.runtime.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.train.factbook.FactbookVocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FactbookTrainerTest {
  private static final LlamaShape TINY =
      new LlamaShape(FactbookVocabulary.get().size(), 16, 2, 2, 1, 8, 32, 500, 1e-5, 1024);

  @TempDir Path directory;

  @Test
  void shouldLowerTheLossOnABatchThatItRepeats() {
    Libtorch.useOneThread(1);
    LlamaNet net = new LlamaNet(TINY);
    LlamaOptimizer optimizer = new LlamaOptimizer(net);
    FactbookBatch batch = new FactbookBatch.Writer(1).next(FactbookStage.CURRICULUM.get(1), 4);

    double first = step(net, optimizer, batch);
    double last = first;
    for (int i = 0; i < 10; i++) {
      last = step(net, optimizer, batch);
    }

    assertTrue(last < first - 0.3, first + " -> " + last);
  }

  @Test
  void shouldWriteTheSameFolderForTheSameSeed() throws IOException {
    List<FactbookProgress> reports = new ArrayList<>();
    FactbookProgress end = FactbookTrainer.run(options("a", 3), reports::add);
    FactbookTrainer.run(options("b", 3), report -> {});
    FactbookTrainer.run(options("c", 4), report -> {});

    assertEquals(2, end.step());
    assertEquals(60, end.exam().count());
    assertEquals(end, reports.getLast());
    byte[] weights = Files.readAllBytes(directory.resolve("a/model.safetensors"));
    assertArrayEquals(weights, Files.readAllBytes(directory.resolve("b/model.safetensors")));
    assertTrue(
        !java.util.Arrays.equals(
            weights, Files.readAllBytes(directory.resolve("c/model.safetensors"))));
    for (String name :
        List.of(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "training.log")) {
      assertTrue(Files.size(directory.resolve("a").resolve(name)) > 0, name);
    }
  }

  @Test
  void shouldRefuseOptionsThatCannotTrain() {
    assertThrows(
        IllegalArgumentException.class,
        () -> FactbookTrainingOptions.parse(new String[] {"--seed", "1"}));
    assertThrows(
        IllegalArgumentException.class,
        () -> FactbookTrainingOptions.parse(new String[] {"--speed", "1"}));
    assertThrows(
        IllegalArgumentException.class,
        () -> new LlamaShape(400, 16, 2, 3, 2, 8, 32, 500, 1e-5, 64));
  }

  private FactbookTrainingOptions options(String name, long seed) {
    return new FactbookTrainingOptions(directory.resolve(name), seed, 0, 4000, 1e-3, 60, TINY);
  }

  @SuppressWarnings("try") // the scope frees the tensors of the step
  private static double step(LlamaNet net, LlamaOptimizer optimizer, FactbookBatch batch) {
    try (PointerScope scope = new PointerScope()) {
      Tensor loss = FactbookLoss.of(net, batch).mean();
      optimizer.step(loss, 0.01);
      return loss.item_double();
    }
  }
}
