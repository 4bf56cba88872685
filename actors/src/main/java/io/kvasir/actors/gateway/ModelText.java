package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.util.List;

/** The text side of a model: tokeniser, chat template, sampling defaults. Safe from any thread. */
public interface ModelText {
  /** Tokens of a plain prompt, with the special tokens that the tokeniser adds by itself. */
  default int[] encode(String text) {
    return encode(text, true);
  }

  /** Tokens of a plain prompt, with or without those special tokens. */
  int[] encode(String text, boolean addSpecialTokens);

  /**
   * Tokens of a rendered conversation, ready for the assistant's answer.
   *
   * @throws IllegalArgumentException with one sentence when there is no template or it refuses
   */
  default int[] encodeChat(List<ChatMessage> messages) {
    return encodeChat(messages, true, false);
  }

  /**
   * Tokens of a rendered conversation.
   *
   * @param addGenerationPrompt whether the beginning of the assistant's answer is rendered too
   * @param addSpecialTokens beside those that the template writes
   * @throws IllegalArgumentException as above
   */
  int[] encodeChat(
      List<ChatMessage> messages, boolean addGenerationPrompt, boolean addSpecialTokens);

  /** Text of tokens as one whole, control tokens included as they are written. */
  String decode(int[] tokens);

  /** A token as it is written in the vocabulary, which need not be its text. */
  String piece(int token);

  /** A decoder for one answer that continues {@code promptTokens}, which are only read. */
  TextDecoder newDecoder(int[] promptTokens);

  /**
   * What a token adds to the middle of a text: UTF-8 bytes, possibly of a part of a character. A
   * control token's name; nothing for unused ids.
   */
  byte[] tokenBytes(int token);

  /**
   * What keeps one answer inside a grammar. Compiles it, or finds it compiled; worker thread.
   *
   * @throws io.kvasir.runtime.engine.grammar.GrammarRefusedException with one sentence when the
   *     grammar cannot be compiled, or not for this model
   */
  LogitAdjuster mask(GrammarSpec grammar);

  /** Token ids are below it. */
  int vocabularyCount();

  /** Tokens that end an answer. */
  List<Integer> stopIds();

  /** Sampling when the client says nothing. */
  SamplingDefaults defaults();

  /**
   * From generation_config.json.
   *
   * @param topK 0 = off
   * @param minP 0 = off
   */
  record SamplingDefaults(float temperature, float topP, int topK, float minP) {}
}
