package io.kvasir.runtime.engine;

/** The tokens that lead to a row: prompt, answer so far, and in a tree the branch's own tokens. */
public interface TokenPath {
  int length();

  /** How many of them are prompt. */
  int promptLength();

  int token(int index);
}
