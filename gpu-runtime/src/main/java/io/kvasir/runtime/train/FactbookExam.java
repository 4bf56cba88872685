package io.kvasir.runtime.train;

import io.kvasir.runtime.train.factbook.FactbookQuestion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Puts held-out questions to a network whose weights are rounded to bf16 for the occasion. */
final class FactbookExam {
  private static final int BATCH = 8;

  /**
   * What came out.
   *
   * @param right right answers of all questions
   * @param count questions
   * @param crossRight right answers of those that need an earlier chunk
   * @param crossCount questions that need an earlier chunk
   * @param lowMargin the margin that 98 % of the questions exceed: logit of the right answer minus
   *     the best other logit
   */
  record Result(int right, int count, int crossRight, int crossCount, double lowMargin) {}

  private FactbookExam() {}

  /** Asks all questions greedily; the network's weights are as before afterwards. */
  @SuppressWarnings("try") // guard and scope act by being open
  static Result take(LlamaNet net, List<FactbookQuestion> questions) {
    List<FactbookQuestion> sorted = new ArrayList<>(questions);
    sorted.sort(Comparator.comparingInt(question -> question.promptTokens().length));
    List<Double> margins = new ArrayList<>();
    int right = 0;
    int crossRight = 0;
    int crossCount = 0;
    try (NoGradGuard guard = new NoGradGuard();
        PointerScope outer = new PointerScope()) {
      Map<String, Tensor> exact = round(net);
      for (int from = 0; from < sorted.size(); from += BATCH) {
        List<FactbookQuestion> part = sorted.subList(from, Math.min(from + BATCH, sorted.size()));
        float[][] logits = lastLogits(net, part);
        for (int i = 0; i < logits.length; i++) {
          double margin = margin(logits[i], part.get(i).answerToken());
          margins.add(margin);
          right += margin > 0 ? 1 : 0;
          crossCount += part.get(i).crossChunk() ? 1 : 0;
          crossRight += part.get(i).crossChunk() && margin > 0 ? 1 : 0;
        }
      }
      net.parameters().forEach((name, parameter) -> parameter.copy_(exact.get(name)));
    }
    margins.sort(Comparator.naturalOrder());
    double low = margins.get(margins.size() / 50);
    return new Result(right, sorted.size(), crossRight, crossCount, low);
  }

  private static Map<String, Tensor> round(LlamaNet net) {
    Map<String, Tensor> exact = new LinkedHashMap<>();
    net.parameters()
        .forEach(
            (name, parameter) -> {
              exact.put(name, parameter.detach().clone());
              parameter.copy_(parameter.to(torch.ScalarType.BFloat16));
            });
    return exact;
  }

  @SuppressWarnings("try") // the scope frees the tensors of this batch
  private static float[][] lastLogits(LlamaNet net, List<FactbookQuestion> questions) {
    try (PointerScope scope = new PointerScope()) {
      int longest = 0;
      for (FactbookQuestion question : questions) {
        longest = Math.max(longest, question.promptTokens().length);
      }
      // Tokens after a prompt's end do not reach it: attention is causal.
      long[] ids = new long[questions.size() * longest];
      long[] ends = new long[questions.size()];
      for (int row = 0; row < ends.length; row++) {
        int[] prompt = questions.get(row).promptTokens();
        for (int i = 0; i < prompt.length; i++) {
          ids[row * longest + i] = prompt[i];
        }
        ends[row] = (long) row * longest + prompt.length - 1;
      }
      Tensor all = net.hidden(torch.tensor(ids).view(ends.length, longest));
      Tensor rows = net.head(all.index_select(0, torch.tensor(ends))).contiguous();
      int width = net.shape().vocabularySize();
      float[][] logits = new float[ends.length][width];
      for (int row = 0; row < ends.length; row++) {
        rows.data_ptr_float().position((long) row * width).get(logits[row]);
      }
      return logits;
    }
  }

  private static double margin(float[] logits, int answer) {
    float best = Float.NEGATIVE_INFINITY;
    for (int token = 0; token < logits.length; token++) {
      best = token == answer ? best : Math.max(best, logits[token]);
    }
    return logits[answer] - best;
  }
}
