package io.kvasir.actors.schedule;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.kvasir.actors.cluster.ClusterMessage;
import io.kvasir.actors.tier.MissReason;
import io.kvasir.runtime.engine.FinishReason;
import java.util.List;
import java.util.Map;

/** What a gateway hears from the nodes that compute for it. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "t")
@JsonSubTypes({
  @JsonSubTypes.Type(value = GenerationReply.Accepted.class, name = "accepted"),
  @JsonSubTypes.Type(value = GenerationReply.Refused.class, name = "refused"),
  @JsonSubTypes.Type(value = GenerationReply.Tokens.class, name = "tokens"),
  @JsonSubTypes.Type(value = GenerationReply.PromptScores.class, name = "promptScores"),
  @JsonSubTypes.Type(value = GenerationReply.Finished.class, name = "finished"),
  @JsonSubTypes.Type(value = GenerationReply.Alive.class, name = "alive"),
  @JsonSubTypes.Type(value = GenerationReply.Gone.class, name = "gone"),
  @JsonSubTypes.Type(value = GenerationReply.Embedded.class, name = "embedded"),
  @JsonSubTypes.Type(value = GenerationReply.Load.class, name = "load")
})
public sealed interface GenerationReply extends ClusterMessage, DeskCommand {
  /** One attempt of one request. */
  sealed interface OfAttempt extends GenerationReply {
    long requestId();

    int attempt();
  }

  /** The device has queued it. */
  record Accepted(long requestId, int attempt) implements OfAttempt {}

  /**
   * The node does not take it, or gives it up.
   *
   * @param code name of an {@link io.kvasir.actors.gpu.OrderRefusedException.Code}
   * @param sentence for the client
   * @param elsewhere whether another node may take it
   */
  record Refused(long requestId, int attempt, String code, String sentence, boolean elsewhere)
      implements OfAttempt {}

  /**
   * Tokens of a choice.
   *
   * @param first index of the first of them in the choice's answer
   * @param logprobs of them, if asked for; null otherwise
   * @param logprobSum of all tokens up to the last of these, if they are measured: what a node that
   *     resumes the choice has to know
   */
  record Tokens(
      long requestId,
      int attempt,
      int choice,
      int first,
      int[] ids,
      WireLogprobs logprobs,
      double logprobSum)
      implements OfAttempt {}

  /**
   * Log-probabilities of prompt tokens, before any token of the answer.
   *
   * @param first index of the first of them in the prompt
   */
  record PromptScores(long requestId, int attempt, int first, WireLogprobs logprobs)
      implements OfAttempt {}

  /**
   * The end of a choice.
   *
   * @param tokenCount tokens that the choice had in all
   * @param failure the sentence of {@link FinishReason#ERROR}, otherwise null
   * @param logprobSum of the drawn tokens, stop tokens included, if they were measured
   * @param misses tokens of full blocks that were computed, by reason
   * @param explained one sentence a decision, if asked for
   */
  record Finished(
      long requestId,
      int attempt,
      int choice,
      int tokenCount,
      FinishReason reason,
      WireUsage usage,
      String failure,
      double logprobSum,
      int measuredTokens,
      Map<MissReason, Integer> misses,
      List<String> explained)
      implements OfAttempt {
    public Finished {
      misses = misses == null ? Map.of() : Map.copyOf(misses);
      explained = explained == null ? List.of() : List.copyOf(explained);
    }
  }

  /**
   * The attempt is being worked on.
   *
   * @param sent tokens of each choice that were sent
   * @param ended choices that have ended
   */
  record Alive(long requestId, int attempt, int[] sent, boolean[] ended) implements OfAttempt {
    public Alive {
      sent = sent == null ? new int[0] : sent;
      ended = ended == null ? new boolean[0] : ended;
    }
  }

  /** The node knows nothing of the attempt, or its lease has ended there. */
  record Gone(long requestId, int attempt) implements OfAttempt {}

  /**
   * An embedding's end.
   *
   * @param vector f32, little endian; null unless the reason is STOP
   * @param failure the sentence of ERROR, otherwise null
   */
  record Embedded(
      long requestId,
      int attempt,
      FinishReason reason,
      byte[] vector,
      WireUsage usage,
      String failure)
      implements OfAttempt {}

  /**
   * How busy a node is with one model.
   *
   * @param sequence counts the node's reports
   * @param waiting requests without a place in the batch
   * @param maxRunning places in the batch
   * @param backlogTokens prompt tokens of requests that have no token yet
   * @param arenaFreeBytes of the cache that hold nothing: beyond them new blocks push out old ones
   * @param prefillTokensPerSecond learned; 0 = not yet
   * @param decodeStepMicros learned time from one token to the next; 0 = not yet
   * @param requestMillis learned time from admission to end; 0 = not yet
   * @param draining whether it takes nothing new
   */
  record Load(
      long nodeId,
      long incarnation,
      long sequence,
      String model,
      int waiting,
      int running,
      int maxRunning,
      long backlogTokens,
      long arenaFreeBytes,
      long arenaBytes,
      double prefillTokensPerSecond,
      double decodeStepMicros,
      double requestMillis,
      boolean draining)
      implements GenerationReply {}
}
