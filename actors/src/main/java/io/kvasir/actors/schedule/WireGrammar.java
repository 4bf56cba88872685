package io.kvasir.actors.schedule;

import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.util.List;

/**
 * A {@link GrammarSpec} as it travels, to be compiled where the answer is computed.
 *
 * @param kind {@code object}, {@code schema}, {@code regex} or {@code choice}
 * @param texts the schema, the pattern, or the choices
 * @param strict of a schema
 * @param compact whether blanks may stand nowhere
 */
record WireGrammar(String kind, List<String> texts, boolean strict, boolean compact) {
  WireGrammar {
    texts = texts == null ? List.of() : List.copyOf(texts);
  }

  /** Null stays null. */
  static WireGrammar of(GrammarSpec spec) {
    return switch (spec) {
      case null -> null;
      case GrammarSpec.JsonObject object ->
          new WireGrammar("object", List.of(), false, compact(object.whitespace()));
      case GrammarSpec.JsonSchema schema ->
          new WireGrammar(
              "schema", List.of(schema.schema()), schema.strict(), compact(schema.whitespace()));
      case GrammarSpec.Regex regex ->
          new WireGrammar("regex", List.of(regex.pattern()), false, false);
      case GrammarSpec.Choice choice -> new WireGrammar("choice", choice.choices(), false, false);
    };
  }

  /**
   * The compiler's form.
   *
   * @throws IllegalArgumentException when the kind is one that this version does not know
   */
  GrammarSpec spec() {
    GrammarSpec.Whitespace blanks =
        compact ? GrammarSpec.Whitespace.NONE : GrammarSpec.Whitespace.BOUNDED;
    return switch (kind) {
      case "object" -> new GrammarSpec.JsonObject(blanks);
      case "schema" -> new GrammarSpec.JsonSchema(texts.getFirst(), strict, blanks);
      case "regex" -> new GrammarSpec.Regex(texts.getFirst());
      case "choice" -> new GrammarSpec.Choice(texts);
      default ->
          throw new IllegalArgumentException(
              "grammar kind=" + kind + " is not known to this version, update this node");
    };
  }

  private static boolean compact(GrammarSpec.Whitespace blanks) {
    return blanks == GrammarSpec.Whitespace.NONE;
  }
}
