package io.kvasir.runtime.train;

import io.kvasir.runtime.train.factbook.Factbook;
import io.kvasir.runtime.train.factbook.FactbookQuestion;
import io.kvasir.runtime.train.factbook.FactbookVocabulary;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Trains the embedded demonstration model on one CPU core and writes it as a Hugging Face folder.
 *
 * <p>The curriculum of {@link FactbookStage#CURRICULUM} is climbed whenever the running accuracy
 * passes 93 %. From the last stage on the folder holds the newest checkpoint, rewritten every few
 * minutes together with {@code training.log}, so training may be stopped at any time. One seed and
 * one token budget give one model; a time limit shortens the learning-rate schedule to what the
 * machine manages, so it depends on the machine.
 *
 * <p>{@link #run} blocks its thread for the whole training. Needs libtorch on the class path; set
 * {@code OMP_NUM_THREADS=1} so that its linear algebra starts one thread only.
 */
public final class FactbookTrainer {
  private static final double PASS_ACCURACY = 0.93;
  private static final int STAGE_STEP_MINIMUM = 100;
  private static final int STEP_TOKENS = 2048;
  private static final int WARM_UP_STEPS = 100;
  private static final long QUICK_EXAM_SEED = 11;
  private static final int QUICK_EXAM_COUNT = 120;
  private static final double FINAL_RATE_SHARE = 0.03;
  private static final double PROGRESS_SECONDS = 30;
  private static final double CHECKPOINT_SECONDS = 300;

  private final FactbookTrainingOptions options;
  private final Consumer<FactbookProgress> progress;
  private final LlamaNet net;
  private final LlamaOptimizer optimizer;
  private final FactbookBatch.Writer writer;
  private final Random lengths;
  private final FactbookFolder folder;
  private final long startNs = System.nanoTime();

  private int stage;
  private long step;
  private long stageStep;
  private long tokenCount;
  private double accuracy;
  private double loss;

  private FactbookTrainer(FactbookTrainingOptions options, Consumer<FactbookProgress> progress) {
    this.options = options;
    this.progress = progress;
    Libtorch.useOneThread(options.seed());
    net = new LlamaNet(options.shape());
    optimizer = new LlamaOptimizer(net);
    writer = new FactbookBatch.Writer(options.seed());
    lengths = new Random(options.seed());
    folder = new FactbookFolder(options);
  }

  /**
   * Trains until the token budget or the time limit is reached, whichever comes first.
   *
   * @param options where to write, seed, limits and shape
   * @param progress told about every 20 seconds, at stage changes and at checkpoints, on the
   *     calling thread
   * @return the last report, of the weights as written
   * @throws IOException when the folder cannot be written
   */
  public static FactbookProgress run(
      FactbookTrainingOptions options, Consumer<FactbookProgress> progress) throws IOException {
    if (options.shape().vocabularySize() != FactbookVocabulary.get().size()) {
      throw new IllegalArgumentException(
          "vocabularySize="
              + options.shape().vocabularySize()
              + " differs from the factbook's "
              + FactbookVocabulary.get().size()
              + " words, use that number");
    }
    return new FactbookTrainer(options, progress).train();
  }

  private FactbookProgress train() throws IOException {
    folder.begin();
    List<FactbookQuestion> quick =
        FactbookQuestion.evaluationSet(
            QUICK_EXAM_SEED,
            Math.min(QUICK_EXAM_COUNT, options.examCount()),
            512,
            Factbook.Chunking.DEFAULT);
    double nextProgress = 0;
    double nextCheckpoint = 0;
    long reportedTokens = 0;
    double reportedSeconds = 0;
    while (done() < 1) {
      trainStep();
      double seconds = seconds();
      boolean last = stage == FactbookStage.CURRICULUM.size() - 1;
      double rate = (tokenCount - reportedTokens) / Math.max(seconds - reportedSeconds, 1e-9);
      if (seconds >= nextCheckpoint) {
        report(rate, last || step == 1 ? FactbookExam.take(net, quick) : null);
        folder.write(net);
        nextCheckpoint = seconds() + CHECKPOINT_SECONDS;
      } else if (seconds >= nextProgress) {
        report(rate, null);
      } else {
        continue;
      }
      nextProgress = seconds() + PROGRESS_SECONDS;
      reportedTokens = tokenCount;
      reportedSeconds = seconds();
    }
    FactbookExam.Result exam =
        FactbookExam.take(net, FactbookQuestion.evaluationSet(options.examCount()));
    FactbookProgress end = report(tokenCount / seconds(), exam);
    folder.write(net);
    return end;
  }

  @SuppressWarnings("try") // the scope frees the tensors of this step
  private void trainStep() throws IOException {
    FactbookStage current = FactbookStage.CURRICULUM.get(stage);
    if (stage == FactbookStage.CURRICULUM.size() - 1 && step % 2 == 0) {
      // Every other step is shorter: a question costs less there and the long rows keep their
      // skill.
      current = FactbookStage.CURRICULUM.get(stage - lengths.nextInt(4));
    }
    int rows = Math.max(2, Math.round((float) STEP_TOKENS / current.rowTokens()));
    FactbookBatch batch = writer.next(current, rows);
    double stepAccuracy;
    try (PointerScope scope = new PointerScope()) {
      FactbookLoss batchLoss = FactbookLoss.of(net, batch);
      optimizer.step(batchLoss.mean(), learningRate());
      loss = batchLoss.mean().item_double();
      long right = batchLoss.rightAnswers(batch.answerIndices());
      stepAccuracy = (double) right / batch.answerIndices().length;
    }
    step++;
    stageStep++;
    tokenCount += (long) rows * current.rowTokens();
    accuracy += 0.02 * (stepAccuracy - accuracy);
    boolean more = stage < FactbookStage.CURRICULUM.size() - 1;
    if (more && stageStep >= STAGE_STEP_MINIMUM && accuracy > PASS_ACCURACY) {
      report(tokenCount / seconds(), null);
      stage++;
      stageStep = 0;
      accuracy = 0;
    }
  }

  /** Warm-up, constant for half of the way, then a cosine down to a small share. */
  private double learningRate() {
    double warm = Math.min(1, (step + 1.0) / WARM_UP_STEPS);
    double late = Math.max(0, (done() - 0.5) / 0.5);
    double cosine = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, late)));
    return options.learningRate() * warm * (FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * cosine);
  }

  private double done() {
    double time = options.minutes() == 0 ? 0 : seconds() / (60.0 * options.minutes());
    return Math.max(time, (double) tokenCount / options.tokenBudget());
  }

  private double seconds() {
    return (System.nanoTime() - startNs) / 1e9;
  }

  private FactbookProgress report(double tokensPerSecond, FactbookExam.Result exam)
      throws IOException {
    FactbookProgress now =
        new FactbookProgress(
            stage,
            step,
            tokenCount,
            seconds(),
            loss,
            accuracy,
            tokensPerSecond,
            exam == null
                ? null
                : new FactbookProgress.Exam(
                    exam.right(),
                    exam.count(),
                    exam.crossRight(),
                    exam.crossCount(),
                    exam.lowMargin()));
    folder.log(now.toString());
    progress.accept(now);
    return now;
  }

  /**
   * Trains with the defaults: {@code --out DIR [--minutes N] [--seed S] [--tokens N]}.
   *
   * @param arguments options and their values, in pairs
   */
  public static void main(String[] arguments) throws IOException {
    FactbookTrainingOptions options = FactbookTrainingOptions.parse(arguments);
    PrintStream out = System.out;
    out.printf(Locale.ROOT, "%s%n", options);
    run(options, out::println);
  }
}
