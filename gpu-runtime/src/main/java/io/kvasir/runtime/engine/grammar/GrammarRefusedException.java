package io.kvasir.runtime.engine.grammar;

/**
 * A grammar that cannot be compiled as asked. The message is one sentence for whoever wrote the
 * grammar: the place (JSON pointer or character position), what is wrong there, and the remedy.
 */
public final class GrammarRefusedException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;
  private static final int QUOTE_LIMIT = 60;

  GrammarRefusedException(String message) {
    super(message);
  }

  /** A piece of the client's text, shortened so that a message stays a sentence. */
  static String quote(String text) {
    String shown = text.length() <= QUOTE_LIMIT ? text : text.substring(0, QUOTE_LIMIT - 3) + "...";
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < shown.length(); i++) {
      char c = shown.charAt(i);
      out.append(c < ' ' || c == 0x7F || Character.isSurrogate(c) ? '?' : c);
    }
    return out.append('"').toString();
  }
}
