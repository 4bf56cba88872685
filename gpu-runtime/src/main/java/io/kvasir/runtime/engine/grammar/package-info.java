/**
 * Structured output: answers that a grammar accepts. A {@link
 * io.kvasir.runtime.engine.grammar.GrammarSpec} is compiled once for a {@link
 * io.kvasir.runtime.engine.grammar.Vocabulary} into a {@link
 * io.kvasir.runtime.engine.grammar.CompiledGrammar}, whose masks are {@code LogitAdjuster}s, one a
 * sequence. Compiled grammars are thread-safe; a mask belongs to the engine's thread. May be
 * imported by actors. Start at {@code GrammarCompiler}, then {@code MaskWalk}.
 *
 * <h2>How it works</h2>
 *
 * A grammar is a set of rules; each is a deterministic automaton over UTF-8 bytes that may call
 * other rules. A reading of an answer is a state and a stack of calls; where alternatives overlap,
 * several readings are followed (at most 512; further ones are dropped, which narrows what can be
 * said next and never breaks it). Tokens are read byte by byte, so it does not matter where they
 * split characters or JSON. The tokens that a state allows are found by one walk over a trie of the
 * vocabulary, kept, and completed by the caller's state only for tokens that outlive the rule.
 *
 * <p>Whatever a mask allows can be completed with the vocabulary at hand. The end tokens are
 * allowed where the text is complete, and nothing else where it cannot go on. An answer that {@code
 * max_tokens} cuts is the beginning of a valid text ({@code finish_reason} "length"). With {@code
 * ignore_eos} end tokens follow the text until {@code max_tokens}.
 *
 * <h2>JSON</h2>
 *
 * <ul>
 *   <li>Blanks stand after <code>{ [ , :</code> and before <code>} ]</code> only: one space, or a
 *       line break with up to 40 spaces or 10 tabs; or nowhere ({@code Whitespace.NONE}).
 *   <li>At most 64 calls are open: a value inside an object or a list is one, a bounded or
 *       patterned name or a string another. {@code json_object} nests 64 deep.
 *   <li>Free numbers have up to 19 digits before and after the point and two of exponent; numbers
 *       with bounds have no exponent. Integers are written without a fraction.
 *   <li>Free strings and strings with length bounds may use every JSON escape (surrogates in
 *       pairs); strings with a pattern or format, {@code enum} and {@code const} strings and
 *       declared names have one spelling: short escapes, hex escapes for other control characters.
 *   <li>A name that is not declared may be repeated; readers keep the last value.
 * </ul>
 *
 * <h2>JSON Schema (2020-12)</h2>
 *
 * <ul>
 *   <li>{@code type} (one or a list), {@code enum}, {@code const}, {@code true}, {@code false}.
 *   <li>{@code properties}, {@code required}, {@code additionalProperties} (boolean or schema).
 *       Declared members come in the order of the schema, then required ones that are not declared,
 *       then others. With {@code strict} an object schema with {@code properties} and without
 *       {@code additionalProperties} takes no others. {@code minProperties} up to the number
 *       required.
 *   <li>{@code items} (a schema), {@code prefixItems}, {@code minItems}, {@code maxItems}.
 *   <li>{@code minLength}, {@code maxLength} (code points), {@code pattern} (below; found anywhere
 *       unless anchored), {@code format}: date, time, date-time, uuid, ipv4.
 *   <li>{@code minimum}, {@code maximum}, {@code exclusiveMinimum}, {@code exclusiveMaximum},
 *       exact, with up to 40 digits.
 *   <li>{@code anyOf}, {@code allOf} (multiplied out, at most 10,000 alternatives), {@code oneOf}
 *       if it is a union because no value can meet two branches: by type, bounds, constants, or a
 *       required property for which that holds. Otherwise it is refused.
 *   <li>{@code $ref} to {@code #} and {@code #/...}, recursive too; one that leads back to itself
 *       without a property or item in between is refused.
 *   <li>Annotations: title, description, default, example, examples, deprecated, readOnly,
 *       writeOnly, $comment, $schema, {@code $id} at the root.
 *   <li>A schema without {@code type}, {@code enum} and {@code const} whose keywords speak of some
 *       types is taken to ask for these types.
 *   <li>Every other keyword is refused by name and JSON pointer.
 * </ul>
 *
 * <h2>Regular expressions</h2>
 *
 * Literals, {@code .} (no line ends), classes with ranges and negation, {@code \d \D \w \W \s \S}
 * (ASCII), {@code \n \r \t \f \xHH} and four-digit Unicode escapes, groups (plain, {@code (?:},
 * named), {@code |}, {@code * + ? {m} {m,} {m,n}} and their lazy forms, {@code ^} and {@code $} at
 * the ends of a top-level alternative. {@code guided_regex} matches the whole answer. Looking
 * around, back references, {@code \b}, {@code \p}, flags, atomic groups and possessive repetition
 * are refused with their position.
 *
 * <h2>Bounds</h2>
 *
 * Text 512 Ki characters, schema nesting 128, 120,000 states, 20,000 rules, a table of 8 Mi
 * entries, and a budget of work that ends a compilation within a second or two; masks kept per
 * grammar 64 MiB. What exceeds one is refused with a sentence.
 */
package io.kvasir.runtime.engine.grammar;
