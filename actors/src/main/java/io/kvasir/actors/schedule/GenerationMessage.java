package io.kvasir.actors.schedule;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.kvasir.actors.cluster.ClusterMessage;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What the service that takes prompts for a node's devices understands. A request has one id, drawn
 * by its gateway, and attempts counted from 1; durations are those of the receiver's own clock.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "t")
@JsonSubTypes({
  @JsonSubTypes.Type(value = GenerationMessage.Start.class, name = "start"),
  @JsonSubTypes.Type(value = GenerationMessage.Part.class, name = "part"),
  @JsonSubTypes.Type(value = GenerationMessage.Embed.class, name = "embed"),
  @JsonSubTypes.Type(value = GenerationMessage.Renew.class, name = "renew"),
  @JsonSubTypes.Type(value = GenerationMessage.Resend.class, name = "resend"),
  @JsonSubTypes.Type(value = GenerationMessage.Cancel.class, name = "cancel"),
  @JsonSubTypes.Type(value = GenerationMessage.CancelChoice.class, name = "cancelChoice"),
  @JsonSubTypes.Type(value = GenerationMessage.Watch.class, name = "watch")
})
public sealed interface GenerationMessage extends ClusterMessage, ServiceCommand {
  /**
   * Begin an attempt. Ends an earlier one of the request on this node.
   *
   * @param replyTo the gateway; hears of everything about the request
   * @param fingerprint that the model must have here
   * @param session whose conversation; null = nobody's
   * @param grammar null = anything
   * @param resume where each choice stands; empty for the first attempt
   * @param computeTokens prompt tokens that the gateway expects to be computed, for load reports
   * @param timeoutMs what the client has left
   * @param leaseMs after which, without a {@link Renew}, the attempt ends here
   * @param explained whether decisions are to be told in sentences
   * @param sources that blocks may be loaded from, by the names of {@link
   *     io.kvasir.runtime.blocks.Residence}; null = all
   * @param holders of the prompt's blocks other than the receiver, as the gateway has just looked
   *     them up; empty = there are none; null = not known, which is what an older gateway means
   */
  record Start(
      long requestId,
      int attempt,
      ActorRef<GenerationReply> replyTo,
      String model,
      String fingerprint,
      String tenant,
      String session,
      int[] prompt,
      WireSampling sampling,
      WireGrammar grammar,
      List<WireResume> resume,
      int computeTokens,
      long timeoutMs,
      int leaseMs,
      boolean explained,
      List<String> sources,
      @JsonDeserialize(using = WireHolder.ListReader.class) List<WireHolder> holders)
      implements GenerationMessage {
    public Start {
      resume = resume == null ? List.of() : List.copyOf(resume);
      sources = sources == null ? null : List.copyOf(sources);
      holders = WireHolder.holes(holders) ? null : List.copyOf(holders);
    }
  }

  /**
   * A slice of a {@link Start} or {@link Embed} that is too long for one message; they come in
   * order.
   *
   * @param count slices in all
   * @param bytes of the serialised message
   */
  record Part(
      long requestId, int attempt, int index, int count, int leaseMs, boolean embeds, byte[] bytes)
      implements GenerationMessage {}

  /**
   * Embed an input.
   *
   * @param pooling name of a {@link io.kvasir.runtime.engine.Pooling}
   */
  record Embed(
      long requestId,
      int attempt,
      ActorRef<GenerationReply> replyTo,
      String model,
      String fingerprint,
      String tenant,
      int[] input,
      String pooling,
      long timeoutMs,
      int leaseMs)
      implements GenerationMessage {}

  /** The gateway still wants it. A lease that has ended stays ended. */
  record Renew(long requestId, int attempt, ActorRef<GenerationReply> replyTo, int leaseMs)
      implements GenerationMessage {}

  /**
   * Tokens of a choice were lost: say again all from {@code first}, and the end if there was one.
   */
  record Resend(long requestId, int attempt, int choice, int first) implements GenerationMessage {}

  /** The attempt is no longer wanted, or has been received to its end. */
  record Cancel(long requestId, int attempt) implements GenerationMessage {}

  /** One choice is no longer wanted. */
  record CancelChoice(long requestId, int attempt, int choice) implements GenerationMessage {}

  /**
   * Tell this gateway of the node's load.
   *
   * @param watchMs for how long
   */
  record Watch(ActorRef<GenerationReply> replyTo, int watchMs) implements GenerationMessage {}
}
