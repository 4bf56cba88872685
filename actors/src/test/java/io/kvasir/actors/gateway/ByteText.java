package io.kvasir.actors.gateway;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.grammar.GrammarCache;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import io.kvasir.runtime.engine.grammar.Vocabulary;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A model whose tokens are bytes, so that characters span tokens; 256 ends an answer. */
public final class ByteText implements ModelText {
  public static final int END = 256;

  private final GrammarCache grammars = new GrammarCache(vocabulary(), 1 << 20);

  private static Vocabulary vocabulary() {
    byte[][] tokens = new byte[END + 1][];
    for (int b = 0; b < END; b++) {
      tokens[b] = new byte[] {(byte) b};
    }
    return Vocabulary.of(tokens, List.of(END));
  }

  public static int[] tokens(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = bytes[i] & 0xFF;
    }
    return tokens;
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    return tokens(text);
  }

  @Override
  public int[] encodeChat(
      List<ChatMessage> messages, boolean addGenerationPrompt, boolean addSpecialTokens) {
    if (messages.getFirst().role().equals("assistant")) {
      throw new IllegalArgumentException("the template wants a user first, change the order");
    }
    StringBuilder prompt = new StringBuilder();
    messages.forEach(m -> prompt.append(m.role()).append(':').append(m.content()).append('\n'));
    return tokens(prompt.append(addGenerationPrompt ? "assistant:" : "").toString());
  }

  @Override
  public String decode(int[] tokens) {
    Utf8 decoder = new Utf8();
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.append(token == END ? "<end>" : decoder.append(token));
    }
    return text.append(decoder.finish()).toString();
  }

  @Override
  public String piece(int token) {
    return token == END ? "<end>" : "b" + token;
  }

  @Override
  public TextDecoder newDecoder(int[] promptTokens) {
    return new Utf8();
  }

  @Override
  public byte[] tokenBytes(int token) {
    return token < END ? new byte[] {(byte) token} : "<end>".getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public LogitAdjuster mask(GrammarSpec grammar) {
    return grammars.get(grammar).newMask();
  }

  @Override
  public int vocabularyCount() {
    return 257;
  }

  @Override
  public List<Integer> stopIds() {
    return List.of(END);
  }

  @Override
  public SamplingDefaults defaults() {
    return new SamplingDefaults(0.25f, 0.5f, 7, 0.125f);
  }

  private static final class Utf8 implements TextDecoder {
    private final CharsetDecoder decoder =
        StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE);
    private final ByteBuffer in = ByteBuffer.allocate(8);

    @Override
    public String append(int token) {
      in.put((byte) token).flip();
      CharBuffer out = CharBuffer.allocate(8);
      decoder.decode(in, out, false);
      in.compact();
      return out.flip().toString();
    }

    @Override
    public String finish() {
      CharBuffer out = CharBuffer.allocate(8);
      decoder.decode(in.flip(), out, true);
      decoder.flush(out);
      return out.flip().toString();
    }
  }
}
