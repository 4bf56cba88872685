package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.LocalEmbedding;
import io.kvasir.actors.gpu.OrderRefusedException.Code;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.gpu.StreamedGeneration;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.TokenLogprobs;
import io.kvasir.runtime.engine.TokenStream;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * One attempt on the node that computes it: what of it was told, and how long it may go on. It
 * keeps what it told until the gateway has it, so that what was lost can be said again. Pure but
 * for the streams that it reads. One thread.
 */
final class NodeAttempt {
  private static final int MAX_TOKENS = 4096;
  private static final int MAX_SCORED_TOKENS = 128;

  final long requestId;
  final int attempt;
  private final Consumer<GenerationReply> out;
  final String model;
  final int computeTokens;
  final AtomicBoolean wakeScheduled = new AtomicBoolean();
  private long leaseUntilNs;
  private long toldNs;
  private StreamedGeneration generation;
  private LocalEmbedding embedding;
  private int[] told = {};
  private boolean[] endTold = {};
  private int scoresTold;

  NodeAttempt(
      long requestId,
      int attempt,
      Consumer<GenerationReply> out,
      String model,
      int computeTokens,
      long leaseUntilNs,
      long nowNs) {
    this.requestId = requestId;
    this.attempt = attempt;
    this.out = out;
    this.model = model;
    this.computeTokens = computeTokens;
    this.leaseUntilNs = leaseUntilNs;
    this.toldNs = nowNs;
  }

  /** Whether the gateway has stayed away for too long. Once true it stays so. */
  boolean leaseOver(long nowNs) {
    return nowNs - leaseUntilNs >= 0;
  }

  void renew(long untilNs) {
    leaseUntilNs = untilNs;
  }

  /** The device has it. */
  void taken(StreamedGeneration accepted) {
    generation = accepted;
    told = new int[accepted.choiceCount()];
    endTold = new boolean[told.length];
    for (int choice = 0; choice < told.length; choice++) {
      told[choice] = stream(choice).published();
    }
  }

  /** Tells the gateway that the device has it. */
  void accept() {
    out.accept(new GenerationReply.Accepted(requestId, attempt));
  }

  void refuse(Code code, String sentence, boolean elsewhere) {
    out.accept(new GenerationReply.Refused(requestId, attempt, code.name(), sentence, elsewhere));
  }

  void taken(LocalEmbedding accepted) {
    embedding = accepted;
  }

  /** Ends it on the device. */
  void stop() {
    if (generation != null) {
      generation.cancel();
    }
    if (embedding != null) {
      embedding.cancel();
    }
  }

  void stop(int choice) {
    if (generation != null && choice >= 0 && choice < told.length) {
      generation.cancel(choice);
    }
  }

  /** Whether no token has come yet. */
  boolean awaitsPrefill() {
    for (int choice = 0; choice < told.length; choice++) {
      if (told[choice] > 0 || endTold[choice]) {
        return false;
      }
    }
    return true;
  }

  /** Tells what is new. */
  void tellNews(long nowNs) {
    for (int choice = 0; choice < told.length; choice++) {
      FinishReason reason;
      do {
        // The end first: what was published before it is then seen as well.
        reason = stream(choice).finishReason();
        int published = stream(choice).published();
        if (told[choice] < published || reason != null) {
          tellScores(nowNs);
        }
        tellTokens(choice, published, nowNs);
        // What was published before that was declared consumed woke nobody.
      } while (told[choice] < stream(choice).published());
      if (reason != null && !endTold[choice]) {
        endTold[choice] = true;
        tell(end(choice, reason), nowNs);
      }
    }
  }

  private void tellScores(long nowNs) {
    TokenLogprobs prompt = generation.promptLogprobs();
    if (prompt == null) {
      return;
    }
    while (scoresTold < prompt.tokenCount()) {
      int count = Math.min(MAX_SCORED_TOKENS, prompt.tokenCount() - scoresTold);
      WireLogprobs scores = WireLogprobs.of(prompt, scoresTold, count);
      tell(new GenerationReply.PromptScores(requestId, attempt, scoresTold, scores), nowNs);
      scoresTold += count;
    }
  }

  private void tellTokens(int choice, int published, long nowNs) {
    TokenStream stream = stream(choice);
    TokenLogprobs logprobs = stream.logprobs();
    int most = logprobs == null ? MAX_TOKENS : MAX_SCORED_TOKENS;
    while (told[choice] < published) {
      int first = told[choice];
      int[] ids = new int[Math.min(most, published - first)];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = stream.token(first + i);
      }
      told[choice] = first + ids.length;
      WireLogprobs scores = logprobs == null ? null : WireLogprobs.of(logprobs, first, ids.length);
      double sum = stream.logprobSum(told[choice] - 1);
      tell(new GenerationReply.Tokens(requestId, attempt, choice, first, ids, scores, sum), nowNs);
    }
    stream.consumedUpTo(published);
  }

  private GenerationReply end(int choice, FinishReason reason) {
    TokenStream stream = stream(choice);
    Serving serving = generation.serving();
    return new GenerationReply.Finished(
        requestId,
        attempt,
        choice,
        stream.published(),
        reason,
        WireUsage.of(stream.usage()),
        stream.failure(),
        stream.logprobSum(),
        stream.measuredTokens(),
        serving.misses(),
        serving.explained());
  }

  void tell(GenerationReply reply, long nowNs) {
    toldNs = nowNs;
    out.accept(reply);
  }

  /** Says again what the gateway has not got. */
  void resend(int choice, int first, long nowNs) {
    if (generation == null) {
      return;
    }
    if (choice < 0) {
      scoresTold = Math.min(scoresTold, Math.max(0, first));
      // What followed was not taken either.
      for (int c = 0; c < told.length; c++) {
        told[c] = Math.min(told[c], stream(c).resumedTokens());
        endTold[c] = false;
      }
    } else if (choice < told.length) {
      told[choice] =
          Math.max(stream(choice).resumedTokens(), Math.min(told[choice], Math.max(0, first)));
      endTold[choice] = false;
    }
    tellNews(nowNs);
  }

  /** Says that it lives, when nothing else has said so for a while. */
  void tellAlive(long nowNs, long intervalNs) {
    if (nowNs - toldNs >= intervalNs) {
      tell(new GenerationReply.Alive(requestId, attempt, told.clone(), endTold.clone()), nowNs);
    }
  }

  /** Usages of the choices that have ended, for what the node learns of its speed. */
  List<TokenStream> streams() {
    return generation == null ? List.of() : generation.streams();
  }

  /** Whether every choice's end was told. */
  boolean toldAll() {
    for (boolean end : endTold) {
      if (!end) {
        return false;
      }
    }
    return endTold.length > 0;
  }

  private TokenStream stream(int choice) {
    return generation.streams().get(choice);
  }
}
