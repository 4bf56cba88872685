package io.kvasir.chaos.scenario;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.DirectoryMessage;
import io.kvasir.actors.link.LinkMessage;
import io.kvasir.actors.schedule.GenerationMessage;
import io.kvasir.actors.schedule.GenerationReply;
import io.kvasir.actors.tier.TierMessage;
import io.kvasir.chaos.Evidence;
import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.local.LocalAnswer;
import io.kvasir.chaos.local.LocalCluster;
import io.kvasir.chaos.local.LocalModel;
import io.kvasir.chaos.local.LocalNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * A peer, which is let in, says what no healthy peer says: messages with holes, numbers out of
 * range, arrays that do not fit together, answers to questions that nobody asked, and noise where a
 * connection should begin. All of it goes through a socket.
 */
public final class MalformedMessages implements Scenario<LocalCluster> {
  private static final int SALT = 3000;
  private static final long HUGE = Long.MAX_VALUE;

  @Override
  public String name() {
    return "malformed messages";
  }

  @Override
  public String shows() {
    return "no malformed control message ends an actor, holds a lease or changes an answer";
  }

  @Override
  public void play(LocalCluster cluster, Scale scale, Evidence evidence) throws Exception {
    LocalNode owner = cluster.node(1);
    LocalNode reader = cluster.node(2);
    Peers.clean(cluster, evidence);
    int[] prompt = LocalModel.prompt(Peers.PROMPT, SALT);
    LocalAnswer computed = Peers.compute(cluster, evidence, owner, reader, prompt);
    ActorSystem<Void> system = reader.system();
    NodeInfo there = owner.seenFrom(system);
    List<TierMessage> tier = tier(owner, reader, nobody(system, "malformed-tier"));
    tier.forEach(there.tier()::tell);
    List<DirectoryMessage> directory = directory(owner, nobody(system, "malformed-directory"));
    directory.forEach(there.directory()::tell);
    List<GenerationMessage> orders = orders();
    orders.forEach(there.generations()::tell);
    List<GenerationReply> replies = replies();
    ActorRef<GenerationReply> desk =
        ActorRefResolver.get(system)
            .resolveActorRef(cluster.gateway().address() + "/system/kvasir-desk");
    replies.forEach(desk::tell);
    // A link is proposed by the node with the lower id: each end takes other messages to heart.
    List<LinkMessage> links = links(reader, owner);
    links.forEach(link(system, there.address())::tell);
    links(owner, reader).forEach(link(owner.system(), reader.info().address())::tell);
    evidence.note(
        "%d messages to the tier, %d to the directory, %d orders, %d answers, %d to links",
        tier.size(), directory.size(), orders.size(), replies.size(), 2 * links.size());
    noise(owner.port());
    evidence.note("and noise to port %d", owner.port());

    reader.clear();
    LocalAnswer served = Peers.ask(cluster, reader, prompt);
    Peers.right(evidence, computed, served, "afterwards, over the network");
    evidence.equal(Peers.BLOCKS * LocalModel.SLOTS, served.sources().peer(), "tokens served");
    int[] other = LocalModel.prompt(Peers.PROMPT, SALT + 1);
    LocalAnswer fresh = Peers.compute(cluster, evidence, owner, reader, other);
    Peers.right(evidence, fresh, Peers.ask(cluster, reader, other), "and of a new prompt");
    cluster.awaitRest(evidence);
    linksAnew(cluster, evidence, owner);
    Peers.clean(cluster, evidence);
  }

  /** The link's actor is needed only when somebody new comes. */
  private static void linksAnew(LocalCluster cluster, Evidence evidence, LocalNode owner)
      throws Exception {
    LocalNode third = cluster.start(6);
    try {
      evidence.holds(
          third.links().ready(owner.id(), Evidence.PATIENCE).toCompletableFuture().get(),
          "a new node gets its link with the one that was told nonsense");
    } finally {
      third.close();
    }
  }

  private static <T> ActorRef<T> nobody(ActorSystem<?> system, String name) {
    Behavior<T> ignores = Behaviors.ignore();
    return system.systemActorOf(ignores, name + "-" + System.nanoTime(), Props.empty());
  }

  private static List<TierMessage> tier(
      LocalNode owner, LocalNode reader, ActorRef<TierMessage> replyTo) {
    TierMessage.Lives lives =
        new TierMessage.Lives(
            reader.id(), reader.info().incarnation(), owner.id(), owner.info().incarnation());
    String domain = owner.shape().domainDigest();
    TierMessage.Chain uneven =
        new TierMessage.Chain(1, 2, new int[] {0, 0}, new int[] {0}, new long[] {1, 2, 3});
    TierMessage.Chain holes = new TierMessage.Chain(1, 2, null, null, null);
    TierMessage.Chain beyond =
        new TierMessage.Chain(1, 2, new int[] {99}, new int[] {-1}, new long[] {1, 2});
    TierMessage.Chain endless =
        new TierMessage.Chain(1, 2, new int[3000], new int[3000], new long[6000]);
    TierMessage.Chain unknown =
        new TierMessage.Chain(
            1, 2, new int[] {0}, new int[] {Integer.MAX_VALUE}, new long[] {HUGE, HUGE});
    List<TierMessage> all = new ArrayList<>();
    for (TierMessage.Chain chain : List.of(uneven, holes, beyond, endless, unknown)) {
      all.add(new TierMessage.Find(1, lives, domain, chain, replyTo));
      all.add(new TierMessage.Borrow(2, lives, domain, chain, HUGE, replyTo));
      all.add(new TierMessage.Take(3, lives, domain, chain, -1, replyTo));
      all.add(new TierMessage.Forget(4, lives, domain, chain, replyTo));
    }
    all.add(new TierMessage.Find(5, null, null, null, null));
    all.add(new TierMessage.Borrow(6, lives, null, unknown, 1, null));
    all.add(new TierMessage.Borrow(6, lives, domain, null, 1, replyTo));
    all.add(new TierMessage.Borrow(7, null, domain, unknown, Long.MIN_VALUE, replyTo));
    all.add(new TierMessage.Return(lives, domain, HUGE, new int[] {-5, Integer.MAX_VALUE}));
    all.add(new TierMessage.Return(null, null, 1, null));
    all.add(new TierMessage.Found(8, null));
    all.add(new TierMessage.Found(1, new long[] {-1}));
    all.add(new TierMessage.Lent(9, lives, 1, HUGE, null, null, null, null));
    all.add(new TierMessage.Lent(10, null, 3, 1, new int[1], new int[2], new int[3], new byte[1]));
    all.add(new TierMessage.Declined(11, null));
    return all;
  }

  private static List<DirectoryMessage> directory(
      LocalNode owner, ActorRef<DirectoryMessage> replyTo) {
    long[] odd = {1, 2, 3};
    long life = owner.info().incarnation();
    return List.of(
        new DirectoryMessage.Announce(0, 0, 0, -1, true, -1, 0, odd, new byte[7], replyTo),
        new DirectoryMessage.Announce(2, life, HUGE, HUGE, true, 255, HUGE, odd, null, replyTo),
        new DirectoryMessage.Announce(99, 1, 1, 0, false, 0, 0, null, null, null),
        new DirectoryMessage.Announce(
            99, 1, 1, 0, true, 0, 0, new long[10_000], new byte[5000], replyTo),
        new DirectoryMessage.Announced(owner.id(), life, HUGE, Long.MIN_VALUE),
        new DirectoryMessage.Announced(77, 0, 0, HUGE),
        new DirectoryMessage.Resync(77, 0, HUGE),
        new DirectoryMessage.Widen(77, Integer.MAX_VALUE, new long[] {1}),
        new DirectoryMessage.Widen(2, -3, null),
        new DirectoryMessage.Lookup(1, -1, 0, 0, odd, replyTo),
        new DirectoryMessage.Lookup(1, Integer.MIN_VALUE, 0, 0, new long[2], replyTo),
        new DirectoryMessage.Lookup(1, 0, 0, 0, null, null),
        new DirectoryMessage.Found(HUGE, -1, 2, true, -1, null),
        new DirectoryMessage.Found(
            1,
            Integer.MAX_VALUE,
            2,
            true,
            Integer.MAX_VALUE,
            List.of(new DirectoryMessage.Held(2, 0, 77, new long[] {-1}))));
  }

  private static List<GenerationMessage> orders() {
    return List.of(
        new GenerationMessage.Renew(1, -1, null, -1),
        new GenerationMessage.Resend(1, 1, Integer.MIN_VALUE, Integer.MIN_VALUE),
        new GenerationMessage.Cancel(HUGE, Integer.MAX_VALUE),
        new GenerationMessage.CancelChoice(1, 1, -1),
        new GenerationMessage.Watch(null, Integer.MAX_VALUE),
        new GenerationMessage.Embed(2, 1, null, null, null, null, null, null, -1, -1),
        new GenerationMessage.Part(3, 1, 0, Integer.MAX_VALUE, 1, false, null),
        new GenerationMessage.Part(3, 1, 0, -1, 1, false, new byte[] {1}),
        new GenerationMessage.Part(4, 1, 0, 1, 1, true, new byte[] {(byte) 0xff, 0, 1}),
        new GenerationMessage.Part(5, 1, 7, 2, 1, true, new byte[0]));
  }

  private static List<GenerationReply> replies() {
    return List.of(
        new GenerationReply.Accepted(HUGE, -1),
        new GenerationReply.Refused(1, 1, "NO_SUCH_CODE", null, true),
        new GenerationReply.Tokens(1, 1, -1, Integer.MAX_VALUE, null, null, Double.NaN),
        new GenerationReply.PromptScores(1, 1, -1, null),
        new GenerationReply.Finished(1, 1, -1, -1, null, null, null, 0, -1, null, null),
        new GenerationReply.Alive(1, 1, null, null),
        new GenerationReply.Embedded(1, 1, null, new byte[3], null, null),
        new GenerationReply.Load(
            HUGE, 0, -1, null, -1, -1, 0, -1, -1, -1, Double.NaN, -1, -1, false),
        new GenerationReply.Load(
            1, 0, HUGE, LocalModel.ID, -1, -1, 0, -1, -1, -1, Double.NaN, -1, -1, true));
  }

  private static ActorRef<LinkMessage> link(ActorSystem<?> from, String address) {
    return ActorRefResolver.get(from).resolveActorRef(address + "/system/kvasir-link");
  }

  private static List<LinkMessage> links(LocalNode from, LocalNode to) {
    LinkMessage.Lives lives =
        new LinkMessage.Lives(from.id(), from.info().incarnation(), to.info().incarnation());
    LinkMessage.Lives stranger = new LinkMessage.Lives(HUGE, 0, 0);
    return List.of(
        new LinkMessage.Ask(null, 0),
        new LinkMessage.Ask(stranger, HUGE),
        new LinkMessage.Propose(null, 1, null, null, null),
        new LinkMessage.Propose(stranger, 1, "", new byte[0], new byte[1]),
        new LinkMessage.Propose(lives, HUGE, "no invitation", new byte[3], null),
        new LinkMessage.Propose(lives, HUGE, null, null, null),
        new LinkMessage.Propose(lives, HUGE, "no invitation", new byte[32], new byte[32]),
        new LinkMessage.Accept(lives, HUGE, null),
        new LinkMessage.Accept(null, 0, "x"),
        new LinkMessage.Refuse(lives, HUGE, null),
        new LinkMessage.Drop(null, 0),
        new LinkMessage.Drop(lives, HUGE),
        new LinkMessage.Rekey(lives, HUGE, -1, null, null, null),
        new LinkMessage.Rekey(lives, 1, -1, LinkMessage.Step.INSTALL, new byte[1], null));
  }

  private static void noise(int port) throws IOException {
    byte[] bytes = new byte[4096];
    new Random(SALT).nextBytes(bytes);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    }
  }
}
