package io.kvasir.actors.directory;

import io.kvasir.actors.directory.DirectoryMessage.Announce;
import io.kvasir.actors.directory.DirectoryMessage.Announced;
import io.kvasir.actors.directory.DirectoryMessage.Found;
import io.kvasir.actors.directory.DirectoryMessage.Lookup;
import io.kvasir.actors.directory.DirectoryMessage.Resync;
import io.kvasir.actors.directory.DirectoryMessage.Widen;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractMatchingBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * A node's door to the directory. Answers lookups at once, from the table that others write, so
 * that no lookup waits behind announcements; hands everything else on.
 */
final class DirectoryActor extends AbstractMatchingBehavior<DirectoryMessage> {
  /**
   * What lies behind it.
   *
   * @param copy null where the node keeps none; then {@code keeper} is null too
   */
  record Parts(
      long nodeId,
      int hotCopies,
      CopyTable copy,
      ActorRef<KeeperActor.Command> keeper,
      ActorRef<OwnerActor.Command> owner,
      DirectoryClient client) {}

  private final Parts parts;

  static Behavior<DirectoryMessage> create(Parts parts) {
    return Behaviors.setup(context -> new DirectoryActor(context, parts));
  }

  private DirectoryActor(ActorContext<DirectoryMessage> context, Parts parts) {
    super(context);
    this.parts = parts;
  }

  @Override
  public Behavior<DirectoryMessage> onMessage(DirectoryMessage message) {
    switch (message) {
      case Lookup lookup -> onLookup(lookup);
      case Found found -> parts.client().onFound(found);
      case Announce announce -> onAnnounce(announce);
      case Announced announced -> parts.owner().tell(new OwnerActor.Heard(announced));
      case Resync resync -> parts.owner().tell(new OwnerActor.Heard(resync));
      case Widen widen -> parts.owner().tell(new OwnerActor.Heard(widen));
    }
    return this;
  }

  private void onLookup(Lookup m) {
    if (parts.copy() == null || !m.isWellFormed()) {
      return;
    }
    CopyTable.Answer answer = parts.copy().answer(m.view(), m.root(), m.keys(), m.part() == 0);
    int copies = answer.hot() ? parts.hotCopies() : 0;
    m.replyTo()
        .tell(
            new Found(m.id(), m.part(), parts.nodeId(), answer.complete(), copies, answer.held()));
  }

  private void onAnnounce(Announce announce) {
    if (parts.keeper() != null && announce.replyTo() != null) {
      parts.keeper().tell(new KeeperActor.Heard(announce));
    }
  }
}
