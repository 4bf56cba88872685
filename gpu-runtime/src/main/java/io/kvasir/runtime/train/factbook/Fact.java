package io.kvasir.runtime.train.factbook;

/**
 * One sentence of a document: a ship, a relation and a value.
 *
 * @param firstName index of the first word of the ship's name
 * @param lastName index of the second word of the ship's name
 * @param relation index of the relation
 * @param valueIndex index of the value within its relation
 * @param named true when the sentence names the ship, false when it says "It"
 * @param chunkIndex chunk of the document that holds the sentence
 * @param crossChunk true when the ship is named only in an earlier chunk, so that the sentence
 *     means nothing without that chunk
 */
public record Fact(
    int firstName,
    int lastName,
    int relation,
    int valueIndex,
    boolean named,
    int chunkIndex,
    boolean crossChunk) {

  /** Tokens of the sentence with its full stop. */
  public int[] tokens() {
    FactbookVocabulary words = FactbookVocabulary.get();
    int verb = words.statementVerb(relation);
    int value = answerToken();
    return named
        ? new int[] {
          words.firstName(firstName),
          words.lastName(lastName),
          verb,
          value,
          FactbookVocabulary.FULL_STOP
        }
        : new int[] {FactbookVocabulary.IT, verb, value, FactbookVocabulary.FULL_STOP};
  }

  /** The sentence as it is written: "Amber Falcon carries salt." */
  public String text() {
    return FactbookText.sentence(tokens());
  }

  /** Tokens of the question for this fact, without the answer. */
  public int[] questionTokens() {
    FactbookVocabulary words = FactbookVocabulary.get();
    return new int[] {
      FactbookVocabulary.WHAT,
      FactbookVocabulary.DOES,
      words.firstName(firstName),
      words.lastName(lastName),
      words.questionVerb(relation),
      FactbookVocabulary.QUESTION_MARK
    };
  }

  /** The question as it is written: "What does Amber Falcon carry?" */
  public String questionText() {
    return FactbookText.sentence(questionTokens());
  }

  /** Token of the right answer. */
  public int answerToken() {
    return FactbookVocabulary.get().value(relation, valueIndex);
  }

  /** The right answer as the model writes it, one word in lower case. */
  public String answer() {
    return FactbookVocabulary.get().word(answerToken());
  }
}
