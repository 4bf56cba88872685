package io.kvasir.actors.gateway;

/** Turns one answer's tokens into text. One thread at a time; one instance per answer. */
public interface TextDecoder {
  /** The text that this token completes; a UTF-8 character is never split, so it may be empty. */
  String append(int token);

  /** What is left at the end (incomplete bytes as replacement characters). */
  String finish();
}
