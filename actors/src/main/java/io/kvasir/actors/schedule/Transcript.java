package io.kvasir.actors.schedule;

import io.kvasir.actors.schedule.GenerationReply.Alive;
import io.kvasir.actors.schedule.GenerationReply.Finished;
import io.kvasir.actors.schedule.GenerationReply.OfAttempt;
import io.kvasir.actors.schedule.GenerationReply.PromptScores;
import io.kvasir.actors.schedule.GenerationReply.Tokens;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.TokenLogprobs;
import io.kvasir.runtime.engine.TokenStream;
import io.kvasir.runtime.engine.Usage;
import java.util.ArrayList;
import java.util.List;

/**
 * A generation's answer as it comes in: writes each token once into the stream of its choice, in
 * order, and knows what is missing. One thread.
 */
final class Transcript implements Progress {
  private final TokenStream[] streams;
  private final double[] sums;
  private final boolean[] cancelled;
  private final int promptTokens;
  private final long startNs;
  private int scoredTokens;
  private int running;
  private int attempts;
  private int lastAttempt;
  private long firstTokenNs = -1;
  private Finished lastEnd;
  private Runnable beforeLastEnd = () -> {};

  /**
   * @param streams one a choice, written by nobody else
   * @param startNs when the client's order came
   */
  Transcript(List<TokenStream> streams, int promptTokens, long startNs) {
    this.streams = streams.toArray(new TokenStream[0]);
    this.sums = new double[streams.size()];
    this.cancelled = new boolean[streams.size()];
    this.promptTokens = promptTokens;
    this.startNs = startNs;
    this.running = streams.size();
  }

  @Override
  public Taken take(OfAttempt message, long nowNs) {
    if (message.attempt() != lastAttempt) {
      lastAttempt = message.attempt();
      attempts++;
    }
    return switch (message) {
      case Tokens tokens -> onTokens(tokens, nowNs);
      case PromptScores scores -> onPromptScores(scores);
      case Finished finished -> onFinished(finished, nowNs);
      case Alive alive -> onAlive(alive);
      default -> Fine.FINE;
    };
  }

  private Taken onTokens(Tokens m, long nowNs) {
    if (m.choice() < 0 || m.choice() >= streams.length || m.ids() == null || m.first() < 0) {
      return Lost.LOST;
    }
    if (scoresMissing()) {
      return new Missing(-1, scoredTokens);
    }
    TokenStream stream = streams[m.choice()];
    int have = stream.published();
    if (m.first() > have) {
      return new Missing(m.choice(), have);
    }
    int end = m.first() + m.ids().length;
    if (end <= have || stream.finishReason() != null) {
      return Fine.FINE;
    }
    TokenLogprobs kept = stream.logprobs();
    boolean scored =
        kept == null || (m.logprobs() != null && m.logprobs().fits(kept, m.ids().length));
    if (end > stream.capacityTokens() || !scored) {
      return Lost.LOST;
    }
    if (firstTokenNs < 0) {
      firstTokenNs = nowNs - startNs;
    }
    for (int index = have; index < end; index++) {
      int ordinal = index - m.first();
      if (kept != null) {
        m.logprobs().copyTo(kept, ordinal, index);
      }
      stream.publish(m.ids()[ordinal]);
    }
    sums[m.choice()] = m.logprobSum();
    return Fine.FINE;
  }

  private Taken onPromptScores(PromptScores m) {
    TokenLogprobs kept = streams[0].promptLogprobs();
    if (kept == null || m.logprobs() == null) {
      return Fine.FINE;
    }
    int count = m.logprobs().tokenCount();
    if (m.first() > scoredTokens) {
      return new Missing(-1, scoredTokens);
    }
    if (m.first() < 0 || m.first() + count > promptTokens || !m.logprobs().fits(kept, count)) {
      return Lost.LOST;
    }
    for (int index = scoredTokens; index < m.first() + count; index++) {
      m.logprobs().copyTo(kept, index - m.first(), index);
      scoredTokens = index + 1;
    }
    return Fine.FINE;
  }

  private boolean scoresMissing() {
    return streams[0].promptLogprobs() != null && scoredTokens < promptTokens;
  }

  private Taken onFinished(Finished m, long nowNs) {
    if (m.choice() < 0 || m.choice() >= streams.length || m.reason() == null || m.usage() == null) {
      return Lost.LOST;
    }
    TokenStream stream = streams[m.choice()];
    if (stream.finishReason() != null) {
      return Fine.FINE;
    }
    if (m.reason() == FinishReason.CANCELLED && !cancelled[m.choice()]) {
      // Not by us: the engine is being closed. Another one goes on.
      return Lost.LOST;
    }
    boolean whole = m.reason() == FinishReason.STOP || m.reason() == FinishReason.LENGTH;
    if (whole && scoresMissing()) {
      return new Missing(-1, scoredTokens);
    }
    if (whole && stream.published() < m.tokenCount()) {
      return new Missing(m.choice(), stream.published());
    }
    Usage usage;
    try {
      usage = m.usage().usage();
    } catch (IllegalArgumentException untrue) {
      return Lost.LOST;
    }
    if (usage.promptTokens() != promptTokens) {
      return Lost.LOST;
    }
    lastEnd = m;
    stream.measured(m.logprobSum(), m.measuredTokens());
    end(stream, m.reason(), attempts > 1 ? measuredHere(usage, stream, nowNs) : usage, m.failure());
    return Fine.FINE;
  }

  /** Times of a node that began late say nothing about the client's wait. */
  private Usage measuredHere(Usage u, TokenStream stream, long nowNs) {
    return new Usage(
        u.promptTokens(),
        u.sources(),
        stream.published(),
        Math.min(u.replayedTokens(), stream.published()),
        u.rowLayersComputed(),
        u.preemptions(),
        Math.min(u.queuedNs(), nowNs - startNs),
        stream.published() == 0 ? -1 : firstTokenNs,
        nowNs - startNs);
  }

  private Taken onAlive(Alive m) {
    for (int choice = 0; choice < Math.min(m.sent().length, streams.length); choice++) {
      TokenStream stream = streams[choice];
      boolean ended = choice < m.ended().length && m.ended()[choice];
      if (stream.finishReason() == null && (m.sent()[choice] > stream.published() || ended)) {
        return scoresMissing()
            ? new Missing(-1, scoredTokens)
            : new Missing(choice, stream.published());
      }
    }
    return Fine.FINE;
  }

  @Override
  public List<WireResume> resume() {
    List<WireResume> choices = new ArrayList<>(streams.length);
    for (int choice = 0; choice < streams.length; choice++) {
      TokenStream stream = streams[choice];
      FinishReason ended = stream.finishReason();
      if (ended == null && cancelled[choice]) {
        ended = FinishReason.CANCELLED;
      }
      boolean over = stream.finishReason() != null;
      choices.add(
          new WireResume(
              stream.snapshot(),
              over ? stream.logprobSum() : sums[choice],
              over ? stream.measuredTokens() : stream.published(),
              ended));
    }
    return choices;
  }

  @Override
  public int resumedTokens() {
    int tokens = 0;
    for (TokenStream stream : streams) {
      tokens += stream.finishReason() == null ? stream.published() : 0;
    }
    return tokens;
  }

  @Override
  public void cancelled(int choice) {
    if (choice >= 0 && choice < cancelled.length) {
      cancelled[choice] = true;
    }
  }

  @Override
  public boolean complete() {
    return running == 0;
  }

  @Override
  public void abandon(String sentence, long nowNs) {
    for (TokenStream stream : streams) {
      if (stream.finishReason() == null) {
        PromptSources unknown = PromptSources.cached(promptTokens, 0);
        Usage nothing = new Usage(promptTokens, unknown, 0, 0, 0, 0, 0, -1, 0);
        end(stream, FinishReason.CANCELLED, measuredHere(nothing, stream, nowNs), sentence);
      }
    }
  }

  private void end(TokenStream stream, FinishReason reason, Usage usage, String failure) {
    if (--running == 0) {
      beforeLastEnd.run();
    }
    stream.finish(reason, usage, failure);
  }

  /** Runs before the last choice's end is told, so that what it sets is seen with the end. */
  void beforeLastEnd(Runnable action) {
    beforeLastEnd = action;
  }

  /** What the node told with the last choice's end; null when it was not a node that ended it. */
  Finished lastEnd() {
    return lastEnd;
  }
}
