package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.OpenAiDocuments.ChatLogprobs;
import io.kvasir.actors.gateway.OpenAiDocuments.ChatToken;
import io.kvasir.actors.gateway.OpenAiDocuments.PromptLogprob;
import io.kvasir.actors.gateway.OpenAiDocuments.TextLogprobs;
import io.kvasir.runtime.engine.TokenLogprobs;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reports of tokens in the three shapes that clients know. A token that is no whole characters is
 * written as OpenAI does, {@code bytes:\xe2\x9c}. Stateless.
 */
final class LogprobDocuments {
  // JSON knows no −∞; OpenAI's own stand-in.
  private static final double RULED_OUT = -9999.0;

  private final ModelText text;

  LogprobDocuments(ModelText text) {
    this.text = text;
  }

  /** Of a chat, or null when there is nothing to tell. */
  ChatLogprobs chat(List<TokenReport> reports) {
    if (reports.isEmpty()) {
      return null;
    }
    List<ChatToken> content = new ArrayList<>(reports.size());
    for (TokenReport report : reports) {
      byte[] bytes = bytes(report);
      List<ChatToken> top = new ArrayList<>(report.topIds().length);
      for (int rank = 0; rank < report.topIds().length; rank++) {
        byte[] other = text.tokenBytes(report.topIds()[rank]);
        top.add(
            new ChatToken(token(other), finite(report.topLogprobs()[rank]), unsigned(other), null));
      }
      content.add(new ChatToken(token(bytes), finite(report.logprob()), unsigned(bytes), top));
    }
    return new ChatLogprobs(content, null);
  }

  /** Of a text completion, or null when there is nothing to tell. */
  TextLogprobs completion(List<TokenReport> reports) {
    if (reports.isEmpty()) {
      return null;
    }
    TextLogprobs out =
        new TextLogprobs(
            new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (TokenReport report : reports) {
      String token = token(bytes(report));
      out.tokens().add(token);
      out.textOffset().add(report.textOffset());
      if (Float.isNaN(report.logprob())) {
        out.tokenLogprobs().add(null);
        out.topLogprobs().add(null);
      } else {
        out.tokenLogprobs().add(finite(report.logprob()));
        out.topLogprobs().add(top(report, token));
      }
    }
    return out;
  }

  private Map<String, Double> top(TokenReport report, String token) {
    Map<String, Double> top = new LinkedHashMap<>();
    for (int rank = 0; rank < report.topIds().length; rank++) {
      top.putIfAbsent(
          token(text.tokenBytes(report.topIds()[rank])), finite(report.topLogprobs()[rank]));
    }
    top.putIfAbsent(token, finite(report.logprob()));
    return top;
  }

  /** vLLM's list of a prompt: null for its first token, then maps from token ids. */
  List<Map<String, PromptLogprob>> prompt(int[] tokens, TokenLogprobs logprobs, int topCount) {
    List<Map<String, PromptLogprob>> out = new ArrayList<>(tokens.length);
    out.add(null);
    for (int i = 1; i < tokens.length; i++) {
      Map<String, PromptLogprob> at = new LinkedHashMap<>();
      for (int rank = 0; rank < Math.min(topCount, logprobs.topCount()); rank++) {
        int id = logprobs.topToken(i, rank);
        at.put(
            Integer.toString(id),
            new PromptLogprob(
                finite(logprobs.topLogprob(i, rank)), rank + 1, token(text.tokenBytes(id))));
      }
      at.putIfAbsent(
          Integer.toString(tokens[i]),
          new PromptLogprob(finite(logprobs.logprob(i)), null, token(text.tokenBytes(tokens[i]))));
      out.add(at);
    }
    return out;
  }

  private byte[] bytes(TokenReport report) {
    return report.cut()
        ? report.piece().getBytes(StandardCharsets.UTF_8)
        : text.tokenBytes(report.id());
  }

  private static String token(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException partOfACharacter) {
      StringBuilder hex = new StringBuilder("bytes:");
      for (byte b : bytes) {
        hex.append("\\x").append(Character.forDigit(b >> 4 & 15, 16));
        hex.append(Character.forDigit(b & 15, 16));
      }
      return hex.toString();
    }
  }

  private static int[] unsigned(byte[] bytes) {
    int[] values = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      values[i] = bytes[i] & 0xFF;
    }
    return values;
  }

  private static double finite(float logprob) {
    return Float.isInfinite(logprob) ? RULED_OUT : logprob;
  }
}
