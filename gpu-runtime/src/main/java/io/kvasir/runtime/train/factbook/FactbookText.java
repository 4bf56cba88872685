package io.kvasir.runtime.train.factbook;

/**
 * Writes tokens as English: capitals for names, places and sentence starts, no space before marks.
 */
final class FactbookText {
  private FactbookText() {}

  /** One sentence; the tokens end with a full stop or a question mark. */
  static String sentence(int[] tokens) {
    FactbookVocabulary words = FactbookVocabulary.get();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < tokens.length; i++) {
      boolean mark =
          tokens[i] == FactbookVocabulary.FULL_STOP
              || tokens[i] == FactbookVocabulary.QUESTION_MARK;
      if (i > 0 && !mark) {
        text.append(' ');
      }
      String word = words.word(tokens[i]);
      boolean capital = i == 0 || words.isProper(tokens[i]);
      text.append(capital ? Character.toUpperCase(word.charAt(0)) : word.charAt(0));
      text.append(word, 1, word.length());
    }
    return text.toString();
  }
}
