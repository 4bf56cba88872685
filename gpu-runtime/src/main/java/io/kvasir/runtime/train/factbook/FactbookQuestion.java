package io.kvasir.runtime.train.factbook;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A document and one question about it, with the right answer. Immutable; any thread.
 *
 * @param document the document
 * @param factIndex fact that answers the question
 */
public record FactbookQuestion(FactbookDocument document, int factIndex) {
  /** Seed of the published evaluation set. */
  public static final long EVALUATION_SEED = 20_261_123L;

  /** Most facts told of one ship in an evaluation document. */
  public static final int FACTS_PER_SHIP_LIMIT = 6;

  private static final int SHORTEST_DOCUMENT_FACTS = 4;
  private static final int AROUND_DOCUMENT_TOKENS = 7;

  /** Fact that answers the question. */
  public Fact fact() {
    return document.facts().get(factIndex);
  }

  /** True when the answer needs an "it" resolved in an earlier chunk. */
  public boolean crossChunk() {
    return fact().crossChunk();
  }

  /** Place of the fact in the document: 0 first, 1 last. */
  public double depth() {
    int last = document.facts().size() - 1;
    return last == 0 ? 0 : (double) factIndex / last;
  }

  /** The user's message: document, empty line, question. */
  public String promptText() {
    return document.text() + "\n\n" + fact().questionText();
  }

  /** Tokens of the prompt as the model is given it, with the token that begins a prompt. */
  public int[] promptTokens() {
    return IntStream.concat(
            IntStream.of(FactbookVocabulary.BOS),
            IntStream.concat(
                IntStream.of(document.tokens()), IntStream.of(fact().questionTokens())))
        .toArray();
  }

  /** Token of the right answer. */
  public int answerToken() {
    return fact().answerToken();
  }

  /** The right answer, one word in lower case. */
  public String answer() {
    return fact().answer();
  }

  /**
   * Questions on documents with held-out names, one question a document, even over the number of
   * facts and over the fact's place in the document; in random order.
   *
   * @param seed decides documents and questions
   * @param count number of questions
   * @param promptTokenLimit most tokens of a prompt, at least 24
   * @param chunking how documents are cut
   */
  public static List<FactbookQuestion> evaluationSet(
      long seed, int count, int promptTokenLimit, Factbook.Chunking chunking) {
    int documentTokenLimit = promptTokenLimit - AROUND_DOCUMENT_TOKENS;
    // A fact of "it" takes 4 tokens and a ship's name one more; documents that would be longer than
    // the limit end before it.
    int mostFacts =
        documentTokenLimit * (FACTS_PER_SHIP_LIMIT + 1) / (4 * (FACTS_PER_SHIP_LIMIT + 1) + 2);
    if (mostFacts < SHORTEST_DOCUMENT_FACTS) {
      throw new IllegalArgumentException(
          "promptTokenLimit=" + promptTokenLimit + " holds no document, allow at least 24 tokens");
    }
    Factbook factbook = new Factbook(seed, Factbook.Names.HELD_OUT, chunking);
    Random random = new Random(seed);
    List<FactbookQuestion> questions = new ArrayList<>();
    int range = mostFacts - SHORTEST_DOCUMENT_FACTS + 1;
    for (int i = 0; i < count; i++) {
      int facts = SHORTEST_DOCUMENT_FACTS + (int) ((long) i * range / count);
      FactbookDocument document =
          factbook.document(facts, documentTokenLimit, FACTS_PER_SHIP_LIMIT);
      questions.add(new FactbookQuestion(document, random.nextInt(document.facts().size())));
    }
    Collections.shuffle(questions, random);
    return List.copyOf(questions);
  }

  /** The published evaluation set: default seed and chunks, prompts of up to 512 tokens. */
  public static List<FactbookQuestion> evaluationSet(int count) {
    return evaluationSet(EVALUATION_SEED, count, 512, Factbook.Chunking.DEFAULT);
  }
}
