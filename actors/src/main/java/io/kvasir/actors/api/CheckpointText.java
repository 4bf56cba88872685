package io.kvasir.actors.api;

import io.kvasir.actors.gateway.ChatMessage;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gateway.TextDecoder;
import io.kvasir.runtime.checkpoint.ChatTemplate;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.CheckpointException;
import io.kvasir.runtime.checkpoint.GenerationDefaults;
import io.kvasir.runtime.checkpoint.StreamDecoder;
import io.kvasir.runtime.checkpoint.TextTokenizer;
import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.grammar.GrammarCache;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import io.kvasir.runtime.engine.grammar.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The text side of a checkpoint. Safe from any thread; the checkpoint stays open while it is used.
 */
public final class CheckpointText implements ModelText {
  /** Compiled grammars and their masks kept. */
  private static final long GRAMMAR_BYTES = 256L << 20;

  private final TextTokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final List<Integer> stopIds;
  private final SamplingDefaults defaults;
  private final int rowLength;
  private GrammarCache grammars;

  /** Takes what it needs from an open checkpoint, which the caller keeps open. */
  public CheckpointText(Checkpoint checkpoint) {
    this.tokenizer = checkpoint.tokenizer();
    this.template = checkpoint.chatTemplate();
    this.rowLength = checkpoint.config().vocabSize();
    GenerationDefaults published = checkpoint.generationDefaults();
    this.stopIds = published.eosTokenIds();
    this.defaults =
        new SamplingDefaults(
            published.doSample() ? (float) published.temperature().orElse(1) : 0f,
            (float) published.topP().orElse(1),
            Math.max(0, published.topK().orElse(0)),
            (float) published.minP().orElse(0));
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    return tokenizer.encode(text, addSpecialTokens);
  }

  @Override
  public int[] encodeChat(
      List<ChatMessage> messages, boolean addGenerationPrompt, boolean addSpecialTokens) {
    ChatTemplate published =
        template.orElseThrow(
            () ->
                new IllegalArgumentException(
                    "the model has no chat template, send the prompt to /v1/completions"));
    List<io.kvasir.runtime.checkpoint.ChatMessage> turns =
        messages.stream()
            .map(m -> new io.kvasir.runtime.checkpoint.ChatMessage(m.role(), m.content()))
            .toList();
    try {
      return tokenizer.encode(published.render(turns, addGenerationPrompt), addSpecialTokens);
    } catch (CheckpointException refused) {
      throw new IllegalArgumentException(
          "the model's chat template refused the messages ("
              + refused.getMessage()
              + "), change their roles or order",
          refused);
    }
  }

  @Override
  public String decode(int[] tokens) {
    return tokenizer.decode(tokens, false);
  }

  @Override
  public String piece(int token) {
    return tokenizer.idToToken(token).orElse("");
  }

  @Override
  public TextDecoder newDecoder(int[] promptTokens) {
    StreamDecoder decoder = new StreamDecoder(tokenizer, true, promptTokens);
    return new TextDecoder() {
      @Override
      public String append(int token) {
        return decoder.next(token);
      }

      @Override
      public String finish() {
        return decoder.finish();
      }
    };
  }

  @Override
  public byte[] tokenBytes(int token) {
    if (tokenizer.joinsBytes() && !tokenizer.isSpecial(token)) {
      return tokenizer.bytesOf(token);
    }
    return tokenizer.idToToken(token).orElse("").getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public LogitAdjuster mask(GrammarSpec grammar) {
    return grammars().get(grammar).newMask();
  }

  /** The trie of a large vocabulary takes a while and a few megabytes: made when first needed. */
  private synchronized GrammarCache grammars() {
    if (grammars == null) {
      grammars = new GrammarCache(Vocabulary.of(tokenizer, rowLength, stopIds), GRAMMAR_BYTES);
    }
    return grammars;
  }

  @Override
  public int vocabularyCount() {
    return tokenizer.idCount();
  }

  @Override
  public List<Integer> stopIds() {
    return stopIds;
  }

  @Override
  public SamplingDefaults defaults() {
    return defaults;
  }
}
