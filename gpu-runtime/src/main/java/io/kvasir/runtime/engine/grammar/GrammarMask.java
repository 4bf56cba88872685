package io.kvasir.runtime.engine.grammar;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.TokenPath;

/**
 * The mask of one sequence. Keeps its place in the grammar for the path it saw last and moves by
 * the difference: one token while decoding, a few back and forth in a tree, all after a resume.
 */
final class GrammarMask implements LogitAdjuster {
  private final CompiledGrammar grammar;
  private final GrammarCursor cursor;

  GrammarMask(CompiledGrammar grammar) {
    this.grammar = grammar;
    this.cursor = grammar.newCursor();
  }

  @Override
  public void adjust(float[] logits, int offset, int vocabSize, TokenPath path) {
    moveTo(path);
    grammar.apply(cursor, logits, offset, vocabSize);
  }

  @Override
  public LogitAdjuster forAnotherChoice() {
    return grammar.newMask();
  }

  private void moveTo(TokenPath path) {
    int prompt = path.promptLength();
    int length = path.length() - prompt;
    int shared = 0;
    int limit = Math.min(length, cursor.length());
    while (shared < limit && cursor.token(shared) == path.token(prompt + shared)) {
      shared++;
    }
    cursor.truncate(shared);
    while (cursor.length() < length) {
      cursor.append(path.token(prompt + cursor.length()));
    }
  }
}
