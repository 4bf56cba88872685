package io.kvasir.runtime.engine;

/** The tokens that lead to a row: prompt, answer so far, and in a tree the branch's own tokens. */
public interface TokenPath {
  int length();

  /** How many of them are prompt. */
  int promptLength();

  int token(int index);

  /**
   * How many of them are the sequence's for good: tokens below it never change and it never
   * shrinks, whatever path is asked about next. All of them unless the path is a branch of a tree.
   */
  default int settledLength() {
    return length();
  }
}
