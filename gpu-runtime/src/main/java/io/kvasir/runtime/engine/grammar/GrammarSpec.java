package io.kvasir.runtime.engine.grammar;

import java.util.List;

/**
 * What an answer must look like. Immutable, compared by value, so that it can key a cache. The
 * package's Javadoc says what each kind supports.
 */
public sealed interface GrammarSpec {

  /** Where blanks may stand between the parts of a JSON text. */
  enum Whitespace {
    /** Nowhere: the shortest form. */
    NONE,
    /**
     * After {@code { [ , :} and before {@code } ]}: nothing, one space, or a line break with at
     * most 40 spaces or 10 tabs behind it.
     */
    BOUNDED
  }

  /** Any JSON object. */
  record JsonObject(Whitespace whitespace) implements GrammarSpec {
    public JsonObject() {
      this(Whitespace.BOUNDED);
    }
  }

  /**
   * JSON texts that a schema accepts.
   *
   * @param schema the schema as JSON text
   * @param strict whether an object without {@code additionalProperties} takes none
   */
  record JsonSchema(String schema, boolean strict, Whitespace whitespace) implements GrammarSpec {
    public JsonSchema(String schema, boolean strict) {
      this(schema, strict, Whitespace.BOUNDED);
    }
  }

  /** Texts that a regular expression matches as a whole. */
  record Regex(String pattern) implements GrammarSpec {}

  /** One of some texts. */
  record Choice(List<String> choices) implements GrammarSpec {
    public Choice {
      choices = List.copyOf(choices);
    }
  }
}
