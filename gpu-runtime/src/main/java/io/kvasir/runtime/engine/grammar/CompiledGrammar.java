package io.kvasir.runtime.engine.grammar;

import io.kvasir.runtime.engine.LogitAdjuster;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A grammar ready to guide answers of one model. Thread-safe; one instance serves any number of
 * requests, and its masks get faster as they are found. Hold it as long as requests with this
 * grammar are likely ({@link GrammarCache}).
 */
public final class CompiledGrammar {
  private final GrammarSpec spec;
  private final Automaton automaton;
  private final int[] need;
  private final Vocabulary vocabulary;
  private final MaskCache masks;
  private final long[] row;

  CompiledGrammar(GrammarSpec spec, Automaton automaton, int[] need, Vocabulary vocabulary) {
    this.spec = spec;
    this.automaton = automaton;
    this.need = need;
    this.vocabulary = vocabulary;
    this.masks = new MaskCache(new MaskWalk(automaton, need, vocabulary));
    this.row = new long[vocabulary.size() + 63 >> 6];
  }

  /**
   * A mask for one sequence (each of the {@code n} answers of a request is one). It reads the
   * answer from the path it is given and forbids, by −∞, every token that no text of the grammar
   * goes on with; at the end of a text it allows the end tokens. The mask is a function of the
   * answer's tokens, so it may be used on any branch of a tree, and a sequence that was preempted
   * or moved goes on with this or with a new one.
   *
   * <p>It belongs behind all other adjusters. Where only end tokens are left and another adjuster
   * forbade them all ({@code min_tokens}), it allows them again. The path of an answer that left
   * the grammar, or ended, allows end tokens only.
   */
  public LogitAdjuster newMask() {
    return new GrammarMask(this);
  }

  /** Whether a whole text is in the language, nesting bound included. */
  public boolean accepts(String text) {
    GrammarCursor cursor = newCursor();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      cursor.appendByte(b & 0xFF);
    }
    return cursor.isComplete();
  }

  public GrammarSpec spec() {
    return spec;
  }

  public int stateCount() {
    return automaton.stateCount;
  }

  /** Memory held now, in bytes: tables and the masks found so far. */
  public synchronized long lengthBytes() {
    return automaton.bytes() + 4L * need.length + masks.keptBytes();
  }

  /** Finds the mask of the first token, which is the widest of many grammars. */
  void warm() {
    GrammarCursor cursor = newCursor();
    synchronized (this) {
      collect(cursor);
    }
  }

  GrammarCursor newCursor() {
    return new GrammarCursor(automaton, need, vocabulary);
  }

  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Allowed tokens of the next draw as bits, for tests. */
  synchronized long[] allowed(GrammarCursor cursor) {
    collect(cursor);
    if (cursor.endAllowed()) {
      for (int id : vocabulary.endIds()) {
        row[id >> 6] |= 1L << id;
      }
    }
    return row.clone();
  }

  private void collect(GrammarCursor cursor) {
    Arrays.fill(row, 0);
    for (int i = cursor.from(); i < cursor.end(); i++) {
      masks.collect(cursor.state(i), cursor.stack(i), cursor.arena(), row);
    }
  }

  /** Forbids what the cursor does not allow in one row of logits. */
  synchronized void apply(GrammarCursor cursor, float[] logits, int offset, int vocabSize) {
    collect(cursor);
    boolean endAllowed = cursor.endAllowed();
    int[] ends = vocabulary.endIds();
    if (endAllowed) {
      for (int id : ends) {
        row[id >> 6] |= 1L << id;
      }
    }
    MaskedRow.forbid(row, logits, offset, vocabSize);
    if (endAllowed && !cursor.goesOn()) {
      MaskedRow.insistOnOne(ends, logits, offset, vocabSize);
    }
  }
}
