package io.kvasir.actors.directory;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** A real actor system with remoting on loopback and a directory service in it. */
final class TestDirectoryNode implements AutoCloseable {
  private static final Config REMOTE =
      ConfigFactory.parseString(
              """
              pekko.actor.provider = remote
              pekko.actor.allow-java-serialization = off
              pekko.actor.serialization-bindings {
                "io.kvasir.actors.cluster.ClusterMessage" = jackson-cbor
              }
              pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
              pekko.remote.artery.transport = tcp
              pekko.remote.use-unsafe-remote-features-outside-cluster = on
              pekko.remote.warn-unsafe-watch-outside-cluster = off
              """)
          .withFallback(ConfigFactory.load());
  static final KeyScheme SCHEME = new KeyScheme(4, List.of(new byte[16]));

  private final ActorSystem<Void> system =
      ActorSystem.create(Behaviors.empty(), "directory", REMOTE);
  private final TestView view;
  private final DirectoryService service;

  TestDirectoryNode(long nodeId, long incarnation, DirectorySettings settings) {
    view = new TestView(nodeId, incarnation);
    service = DirectoryService.start(system, view, settings);
  }

  /** A chain of its own for each salt. */
  static BlockKeys chain(int salt, int blocks) {
    int[] tokens = new int[4 * blocks];
    java.util.Arrays.fill(tokens, salt);
    return SCHEME.keys("", tokens, tokens.length);
  }

  /** Shows these nodes each other, and none else. */
  static void connect(TestDirectoryNode... nodes) {
    for (TestDirectoryNode seer : nodes) {
      seer.view.set(java.util.Arrays.stream(nodes).map(node -> node.infoFor(seer)).toList());
    }
  }

  DirectoryService service() {
    return service;
  }

  Directory directory() {
    return service.directory();
  }

  long nodeId() {
    return view.self().nodeId();
  }

  void announce(Residence tier, BlockKeys chain) {
    for (int b = 0; b < chain.blockCount(); b++) {
      service
          .announcer()
          .added(
              tier,
              0,
              chain.high(0, b),
              chain.low(0, b),
              chain.root().high(),
              chain.root().low(),
              b);
    }
  }

  /** Looks up until the answer has so many holders. */
  Holdings await(BlockKeys chain, int holders) throws Exception {
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      Holdings found = find(chain, Duration.ofSeconds(5));
      if (found.holders().size() == holders && !found.late()) {
        return found;
      }
      if (System.nanoTime() - endNs > 0) {
        throw new TimeoutException("still " + found + " instead of " + holders + " holders");
      }
      Thread.onSpinWait();
    }
  }

  Holdings find(BlockKeys chain, Duration deadline) {
    try {
      return directory()
          .lookup(chain, deadline)
          .toCompletableFuture()
          .orTimeout(60, TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      throw new AssertionError("a lookup never fails", e);
    }
  }

  /** As another system names it: through the wire. */
  private NodeInfo infoFor(TestDirectoryNode seer) {
    var here = ActorRefResolver.get(system);
    var there = ActorRefResolver.get(seer.system);
    org.apache.pekko.actor.typed.ActorRef<DirectoryMessage> ref =
        service.ref() == null
            ? null
            : there.resolveActorRef(here.toSerializationFormat(service.ref()));
    return new NodeInfo(
        nodeId(), view.self().incarnation(), "", "", Set.of(), "", List.of(), ref, null, null);
  }

  @Override
  public void close() throws Exception {
    service.close();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }
}
