package io.kvasir.runtime.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What the choices of one request have to do with each other: their seeds, and which are best. */
public final class Choices {
  private static final int SEED_DRAW = 11;

  private Choices() {}

  /**
   * The seed of a choice: the request's own for choice 0, so that it equals the answer to n=1, and
   * a function of (seed, choice) for the others.
   */
  public static long seed(long requestSeed, int choice) {
    return choice == 0 ? requestSeed : RandomDraws.bits(requestSeed, choice, SEED_DRAW);
  }

  /**
   * The {@code n} choices of highest mean log-probability per token, best first; the lower index
   * among equals. A failed or cancelled choice comes after every other.
   *
   * @param ended the streams of all choices, all of them ended
   */
  public static List<Integer> best(List<TokenStream> ended, int n) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < ended.size(); i++) {
      order.add(i);
    }
    order.sort(
        Comparator.<Integer, Boolean>comparing(i -> !isWhole(ended.get(i)))
            .thenComparing(i -> -ended.get(i).meanLogprob())
            .thenComparing(i -> i));
    return List.copyOf(order.subList(0, n));
  }

  private static boolean isWhole(TokenStream stream) {
    FinishReason reason = stream.finishReason();
    return reason == FinishReason.STOP || reason == FinishReason.LENGTH;
  }
}
