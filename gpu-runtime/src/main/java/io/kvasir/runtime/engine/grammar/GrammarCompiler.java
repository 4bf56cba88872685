package io.kvasir.runtime.engine.grammar;

import java.nio.charset.StandardCharsets;

/**
 * Compiles a {@link GrammarSpec} for a {@link Vocabulary}. Takes from under a millisecond to about
 * a second for the largest grammars that are let through; work, states, memory and depth are
 * bounded, so it may be called with a client's text. Thread-safe.
 */
public final class GrammarCompiler {
  private GrammarCompiler() {}

  /**
   * @throws GrammarRefusedException if the grammar is malformed, uses what is not supported, is too
   *     large, has no text, or has none that the vocabulary can spell
   */
  public static CompiledGrammar compile(GrammarSpec spec, Vocabulary vocabulary) {
    String subject =
        switch (spec) {
          case GrammarSpec.JsonObject ignored -> "a JSON object";
          case GrammarSpec.JsonSchema ignored -> "the schema";
          case GrammarSpec.Regex ignored -> "the regular expression";
          case GrammarSpec.Choice ignored -> "the list of choices";
        };
    RuleSet rules = new RuleSet(new WorkBudget(subject));
    Automaton automaton =
        switch (spec) {
          case GrammarSpec.JsonObject object -> anyObject(object, rules);
          case GrammarSpec.JsonSchema schema -> SchemaGrammar.compile(schema, rules);
          case GrammarSpec.Regex regex -> regex(regex.pattern(), rules);
          case GrammarSpec.Choice choice -> choice(choice, rules);
        };
    int[] need = Coverage.needs(automaton, vocabulary, subject);
    CompiledGrammar grammar = new CompiledGrammar(spec, automaton, need, vocabulary);
    grammar.warm();
    return grammar;
  }

  private static Automaton anyObject(GrammarSpec.JsonObject object, RuleSet rules) {
    JsonRules json = new JsonRules(rules, object.whitespace());
    int root = rules.reserve();
    Nfa body = rules.builder();
    json.anyObject(body);
    rules.define(root, body);
    return rules.link(root);
  }

  private static Automaton regex(String pattern, RuleSet rules) {
    checkLength(pattern.length(), "the regular expression");
    RangeDfa text = RegexParser.whole(pattern, "the regular expression", rules.budget());
    int root = rules.reserve();
    Nfa body = rules.builder();
    new TextEncoder(body, false).text(text, Nfa.START, Nfa.END);
    rules.define(root, body);
    return rules.link(root);
  }

  private static Automaton choice(GrammarSpec.Choice choice, RuleSet rules) {
    checkLength(choice.choices().stream().mapToLong(String::length).sum(), "the list of choices");
    int root = rules.reserve();
    Nfa body = rules.builder();
    for (String text : choice.choices()) {
      TextEncoder.checkSurrogates(text);
      body.epsilon(body.bytes(Nfa.START, text.getBytes(StandardCharsets.UTF_8)), Nfa.END);
    }
    rules.define(root, body);
    return rules.link(root);
  }

  private static void checkLength(long length, String subject) {
    if (length > GrammarLimits.MAX_TEXT_LENGTH) {
      throw new GrammarRefusedException(
          subject
              + " has "
              + length
              + " characters, allowed are "
              + GrammarLimits.MAX_TEXT_LENGTH
              + ": shorten it.");
    }
  }
}
