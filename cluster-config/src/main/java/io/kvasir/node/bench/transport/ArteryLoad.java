package io.kvasir.node.bench.transport;

import com.typesafe.config.ConfigFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.AbstractActor;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Props;
import org.apache.pekko.pattern.Patterns;

/**
 * Pekko Artery (TCP) carrying the same bytes as messages of byte arrays. Artery drops what its
 * queue cannot take, so the sender keeps a window of messages under way and the receiver returns
 * one credit for each.
 */
final class ArteryLoad implements Load {
  private static final long ANSWER_SECONDS = 40;
  private final Role role;
  private final ByteBuffer region;
  private final Spec spec;
  private final BlockingQueue<Long> results = new ArrayBlockingQueue<>(1);
  private ActorSystem system;
  private ActorRef end;

  ArteryLoad(Role role, ByteBuffer region, Spec spec) {
    this.role = role;
    this.region = region.duplicate();
    this.spec = spec;
  }

  @Override
  public String open() {
    int chunk = spec.number("chunk");
    String config =
        """
        pekko {
          loglevel = WARNING
          stdout-loglevel = WARNING
          actor.provider = remote
          actor.allow-java-serialization = off
          actor.default-dispatcher.fork-join-executor.minimum-runnable = -1
          actor.internal-dispatcher.fork-join-executor.minimum-runnable = -1
          remote.artery {
            transport = tcp
            canonical { hostname = "127.0.0.1", port = 0 }
            advanced {
              maximum-frame-size = %d
              buffer-pool-size = 64
            }
          }
        }
        """
            .formatted(chunk + 4096);
    system =
        ActorSystem.create(
            "bench-" + role.name().toLowerCase(Locale.ROOT),
            ConfigFactory.parseString(config).withFallback(ConfigFactory.load()));
    end =
        system.actorOf(
            role == Role.SENDER
                ? Props.create(Sender.class, () -> new Sender(this))
                : Props.create(Receiver.class, () -> new Receiver(this)),
            "end");
    return role == Role.SENDER
        ? ""
        : "port=" + ((ExtendedActorSystem) system).provider().getDefaultAddress().getPort().get();
  }

  @Override
  public void awaitPeer(Spec other) throws Exception {
    if (role == Role.SENDER) {
      String path = "pekko://bench-receiver@127.0.0.1:" + spec.text("port") + "/user/end";
      ActorRef peer =
          system
              .actorSelection(path)
              .resolveOne(Duration.ofSeconds(20))
              .toCompletableFuture()
              .get(ANSWER_SECONDS, TimeUnit.SECONDS);
      Patterns.ask(end, peer, Duration.ofSeconds(20))
          .toCompletableFuture()
          .get(ANSWER_SECONDS, TimeUnit.SECONDS);
    }
  }

  @Override
  public long move(long bytes) throws Exception {
    end.tell(bytes, ActorRef.noSender());
    Long result = results.poll(ANSWER_SECONDS, TimeUnit.SECONDS);
    if (result == null) {
      throw new IllegalStateException("Artery moved no " + bytes + " bytes in 40 s");
    }
    return result;
  }

  @Override
  public void close() {
    system.terminate();
    Waiting.until(
        "Artery has ended", () -> system.getWhenTerminated().toCompletableFuture().isDone());
  }

  /** Takes the peer, then byte counts to send, then credits. */
  private static final class Sender extends AbstractActor {
    private final ArteryLoad load;
    private final int chunk;
    private final int window;
    private ActorRef peer;
    private long left;
    private int underWay;

    Sender(ArteryLoad load) {
      this.load = load;
      this.chunk = load.spec.number("chunk");
      this.window = load.spec.number("window");
    }

    @Override
    public Receive createReceive() {
      return receiveBuilder()
          .match(
              ActorRef.class,
              ref -> {
                peer = ref;
                getSender().tell(ref.path().name(), getSelf());
              })
          .match(
              Long.class,
              bytes -> {
                left = bytes;
                load.results.add(System.nanoTime());
                load.region.clear();
                send();
              })
          .match(
              Integer.class,
              credit -> {
                underWay -= credit;
                send();
              })
          .build();
    }

    private void send() {
      while (left > 0 && underWay < window) {
        if (!load.region.hasRemaining()) {
          load.region.clear();
        }
        byte[] message = new byte[(int) Math.min(Math.min(chunk, left), load.region.remaining())];
        load.region.get(message);
        peer.tell(message, getSelf());
        left -= message.length;
        underWay++;
      }
    }
  }

  /** Takes byte counts to wait for, then messages; returns a credit for each. */
  private static final class Receiver extends AbstractActor {
    private final ArteryLoad load;
    private long left;

    Receiver(ArteryLoad load) {
      this.load = load;
    }

    @Override
    public Receive createReceive() {
      return receiveBuilder()
          .match(
              byte[].class,
              message -> {
                take(message);
                getSender().tell(1, getSelf());
              })
          .match(
              Long.class,
              bytes -> {
                left += bytes;
                finish();
              })
          .build();
    }

    private void take(byte[] message) {
      if (!load.region.hasRemaining()) {
        load.region.clear();
      }
      load.region.put(message);
      left -= message.length;
      finish();
    }

    /** Messages may overtake the count, which comes from another thread. */
    private void finish() {
      if (left == 0) {
        load.results.add(System.nanoTime());
        load.region.clear();
      }
    }
  }
}
