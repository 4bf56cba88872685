package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Generation;
import io.kvasir.runtime.engine.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;

/**
 * A prompt as the beginning of its answers' text.
 *
 * @param text as the client wrote it, or decoded from its tokens
 * @param tokens of the prompt
 * @param pieces the text that each token completes
 * @param logprobsWanted alternatives of each token; −1 = no reports
 */
record EchoedPrompt(String text, int[] tokens, List<String> pieces, int logprobsWanted) {

  static EchoedPrompt of(
      OpenAiRequest.Prompt prompt, int[] tokens, ModelText model, int logprobsWanted) {
    TextDecoder decoder = model.newDecoder(new int[0]);
    List<String> pieces = new ArrayList<>(tokens.length);
    for (int token : tokens) {
      pieces.add(decoder.append(token));
    }
    String decoded = String.join("", pieces) + decoder.finish();
    String text = prompt instanceof OpenAiRequest.Text written ? written.text() : decoded;
    return new EchoedPrompt(text, tokens, pieces, logprobsWanted);
  }

  int codePoints() {
    return text.codePointCount(0, text.length());
  }

  /** Reports of the prompt's tokens; empty when they were not asked for. */
  List<TokenReport> reports(Generation generation) {
    TokenLogprobs logprobs = generation.promptLogprobs();
    if (logprobsWanted < 0 || logprobs == null) {
      return List.of();
    }
    List<TokenReport> reports = new ArrayList<>(tokens.length);
    int offset = 0;
    for (int i = 0; i < tokens.length; i++) {
      String piece = pieces.get(i);
      reports.add(TokenReport.of(logprobs, i, tokens[i], piece, offset).withTop(logprobsWanted));
      offset += piece.codePointCount(0, piece.length());
    }
    return reports;
  }
}
