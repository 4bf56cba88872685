package io.kvasir.actors.session;

import io.kvasir.actors.session.SessionMessage.Ask;
import io.kvasir.actors.session.SessionMessage.Note;
import io.kvasir.actors.session.SessionMessage.PutAway;
import io.kvasir.actors.session.SessionMessage.Told;
import java.time.Duration;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** One session, on the node that owns its shard. */
final class SessionActor extends AbstractMatchingBehavior<SessionMessage> {
  /**
   * What all sessions of a node share.
   *
   * @param demoteAfter idle time from which a session that is put away has its KV demoted
   */
  record Shared(Duration demoteAfter, Demoter demoter, SessionMetrics metrics) {}

  private final Shared shared;
  private final SessionState state = new SessionState();

  static Behavior<SessionMessage> create(Shared shared) {
    return Behaviors.setup(context -> new SessionActor(context, shared));
  }

  private SessionActor(ActorContext<SessionMessage> context, Shared shared) {
    super(context);
    this.shared = shared;
    shared.metrics().opened();
  }

  @Override
  public Behavior<SessionMessage> onMessage(SessionMessage message) {
    return switch (message) {
      case Ask ask -> onAsk(ask);
      case Note note -> onNote(note);
      case PutAway putAway -> onPutAway();
      case Told told -> this;
    };
  }

  @Override
  public Behavior<SessionMessage> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      shared.metrics().closed();
    }
    return this;
  }

  private Behavior<SessionMessage> onAsk(Ask m) {
    if (m.replyTo() == null) {
      return this;
    }
    Sessions.Use last = state.last(m.tenant());
    m.replyTo()
        .tell(
            new Told(
                m.key(),
                m.id(),
                last == null ? null : last.place(),
                state.requests(),
                state.idleMs(System.nanoTime())));
    return this;
  }

  private Behavior<SessionMessage> onNote(Note m) {
    if (m.tenant() != null && m.use() != null) {
      state.note(m.tenant(), m.use(), System.nanoTime());
    }
    return this;
  }

  private Behavior<SessionMessage> onPutAway() {
    state.putAway(shared.demoteAfter(), shared.demoter(), System.nanoTime());
    return Behaviors.stopped();
  }
}
