package io.kvasir.actors.session;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.kvasir.actors.cluster.ClusterMessage;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What a session, and who asks it, understand. {@code key} names the session: tenant and id,
 * hashed.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "t")
@JsonSubTypes({
  @JsonSubTypes.Type(value = SessionMessage.Ask.class, name = "ask"),
  @JsonSubTypes.Type(value = SessionMessage.Told.class, name = "told"),
  @JsonSubTypes.Type(value = SessionMessage.Note.class, name = "note"),
  @JsonSubTypes.Type(value = SessionMessage.PutAway.class, name = "putAway")
})
public sealed interface SessionMessage extends ClusterMessage {
  /** Names the session. */
  String key();

  /** Where was it served last? */
  record Ask(String key, String tenant, long id, ActorRef<SessionMessage> replyTo)
      implements SessionMessage {}

  /**
   * The answer.
   *
   * @param id of the question
   * @param last use, or null
   * @param idleMs since then
   */
  record Told(String key, long id, Sessions.Use last, long requests, long idleMs)
      implements SessionMessage {}

  /** It was used. */
  record Note(String key, String tenant, Sessions.Use use) implements SessionMessage {}

  /** It leaves memory: idle, least recently used of too many, or its shard moves. */
  record PutAway() implements SessionMessage {
    @Override
    public String key() {
      return "";
    }
  }
}
