package io.kvasir.runtime.engine.grammar;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Compiled grammars of one model, the least recently used dropped first; so a schema that comes
 * with every request is compiled once and its masks stay. Thread-safe; a compilation holds up other
 * look-ups of grammars that are not there yet, never the engine.
 */
public final class GrammarCache {
  private final Vocabulary vocabulary;
  private final long limitBytes;
  private final Map<GrammarSpec, CompiledGrammar> grammars = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * @param limitBytes tables and masks kept; the grammar asked for last stays whatever its size
   */
  public GrammarCache(Vocabulary vocabulary, long limitBytes) {
    this.vocabulary = vocabulary;
    this.limitBytes = limitBytes;
  }

  /**
   * The compiled form of a grammar.
   *
   * @throws GrammarRefusedException as {@link GrammarCompiler#compile}
   */
  public synchronized CompiledGrammar get(GrammarSpec spec) {
    CompiledGrammar known = grammars.get(spec);
    if (known == null) {
      known = GrammarCompiler.compile(spec, vocabulary);
      grammars.put(spec, known);
    }
    evict();
    return known;
  }

  private void evict() {
    long bytes = lengthBytes();
    var oldest = grammars.values().iterator();
    while (bytes > limitBytes && grammars.size() > 1) {
      bytes -= oldest.next().lengthBytes();
      oldest.remove();
    }
  }

  /** Memory held now, in bytes. */
  public synchronized long lengthBytes() {
    return grammars.values().stream().mapToLong(CompiledGrammar::lengthBytes).sum();
  }

  public synchronized int size() {
    return grammars.size();
  }

  public Vocabulary vocabulary() {
    return vocabulary;
  }
}
