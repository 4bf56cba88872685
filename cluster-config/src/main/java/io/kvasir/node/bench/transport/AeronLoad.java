package io.kvasir.node.bench.transport;

import io.aeron.Aeron;
import io.aeron.ChannelUriStringBuilder;
import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.FragmentHandler;
import io.aeron.logbuffer.Header;
import java.nio.ByteBuffer;
import java.util.Locale;
import org.agrona.CloseHelper;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Bare Aeron, one stream in each direction, copied out of and into the regions: what the transport
 * module is measured against. Hot loops are methods that are called often (decision note 9).
 */
final class AeronLoad implements Load {
  private static final int FORTH = 1001;
  private static final int BACK = 1002;
  private static final int SLICE = 64;
  private final Role role;
  private final UnsafeBuffer region;
  private final Spec spec;
  private final IdleStrategy idle;
  private final boolean claims;
  private final BufferClaim claim = new BufferClaim();
  private final FragmentHandler toRegion = this::onFragment;
  private MediaDriver driver;
  private Aeron client;
  private ExclusivePublication publication;
  private Subscription subscription;
  private int position;
  private long got;

  AeronLoad(Role role, ByteBuffer region, Spec spec) {
    this.role = role;
    this.region = new UnsafeBuffer(region);
    this.spec = spec;
    this.idle = Waiting.idle(spec.text("idle"));
    this.claims = spec.text("send").equals("claim");
  }

  @Override
  public String open() {
    String folder = spec.text("folder");
    if (spec.text("drivers").equals("two")) {
      folder += "-" + role.name().toLowerCase(Locale.ROOT);
      driver = launchDriver(folder, spec);
    }
    client =
        Aeron.connect(
            new Aeron.Context()
                .aeronDirectoryName(folder)
                .idleStrategy(new BackoffIdleStrategy())
                .errorHandler(Throwable::printStackTrace));
    boolean sender = role == Role.SENDER;
    subscription =
        client.addSubscription(channel(sender ? "port-back" : "port"), sender ? BACK : FORTH);
    publication =
        client.addExclusivePublication(
            channel(sender ? "port" : "port-back"), sender ? FORTH : BACK);
    return "";
  }

  /** A driver with everything that the spec names. */
  static MediaDriver launchDriver(String folder, Spec spec) {
    int buffer = spec.number("buffer");
    return MediaDriver.launch(
        new MediaDriver.Context()
            .aeronDirectoryName(folder)
            .dirDeleteOnShutdown(true)
            .threadingMode(ThreadingMode.valueOf(spec.text("threads")))
            .sharedIdleStrategy(driverIdle())
            .sharedNetworkIdleStrategy(driverIdle())
            .conductorIdleStrategy(driverIdle())
            .senderIdleStrategy(driverIdle())
            .receiverIdleStrategy(driverIdle())
            .initialWindowLength(Math.min(buffer, spec.number("window")))
            .socketRcvbufLength(buffer)
            .socketSndbufLength(buffer)
            .errorHandler(Throwable::printStackTrace));
  }

  private static IdleStrategy driverIdle() {
    return new BackoffIdleStrategy(1, 1, 1000, 1_000_000);
  }

  private String channel(String port) {
    ChannelUriStringBuilder uri =
        new ChannelUriStringBuilder()
            .media(spec.text("medium"))
            .termLength(spec.number("term"))
            .mtu(spec.number("mtu"));
    return (spec.text("medium").equals("udp") ? uri.endpoint("127.0.0.1:" + spec.text(port)) : uri)
        .build();
  }

  @Override
  public void awaitPeer(Spec other) {
    Waiting.until(
        "connected both ways", () -> publication.isConnected() && subscription.isConnected());
  }

  @Override
  public long move(long bytes) {
    long startNs = System.nanoTime();
    position = 0;
    idle.reset();
    if (role == Role.SENDER) {
      int most = claims ? publication.maxPayloadLength() : publication.maxMessageLength() / 2;
      for (long left = bytes; left > 0; ) {
        long sent = sendSome(left, most);
        left -= sent;
        waitIfIdle((int) Math.min(1, sent), startNs);
      }
      return startNs;
    }
    got = 0;
    while (got < bytes) {
      waitIfIdle(subscription.poll(toRegion, SLICE), startNs);
    }
    return System.nanoTime();
  }

  private void waitIfIdle(int work, long startNs) {
    idle.idle(work);
    if (work == 0) {
      Waiting.checkDeadline(startNs, spec.toString());
    }
  }

  private long sendSome(long left, int most) {
    long sent = 0;
    for (int i = 0; i < SLICE && sent < left; i++) {
      int length = (int) Math.min(Math.min(most, left - sent), Regions.BYTES - position);
      if (!sendOne(position, length)) {
        break;
      }
      sent += length;
      position = position + length == Regions.BYTES ? 0 : position + length;
    }
    return sent;
  }

  private boolean sendOne(int offset, int length) {
    long result;
    if (claims) {
      result = publication.tryClaim(length, claim);
      if (result > 0) {
        claim.buffer().putBytes(claim.offset(), region, offset, length);
        claim.commit();
      }
    } else {
      result = publication.offer(region, offset, length);
    }
    if (result == Publication.CLOSED || result == Publication.MAX_POSITION_EXCEEDED) {
      throw new IllegalStateException(Publication.errorString(result));
    }
    return result > 0;
  }

  private void onFragment(DirectBuffer buffer, int offset, int length, Header header) {
    int first = Math.min(length, Regions.BYTES - position);
    region.putBytes(position, buffer, offset, first);
    if (first < length) {
      region.putBytes(0, buffer, offset + first, length - first);
    }
    position = (position + length) % Regions.BYTES;
    got += length;
  }

  @Override
  public long[] exchange(int bytes, int rounds) {
    long[] took = new long[rounds / 2];
    got = 0;
    for (int i = 0; i < took.length; i++) {
      long first = exchangeOnce(bytes, (2 * i + 1L) * bytes);
      took[i] = (first + exchangeOnce(bytes, (2 * i + 2L) * bytes)) / 2;
    }
    return took;
  }

  private long exchangeOnce(int bytes, long expected) {
    long startNs = System.nanoTime();
    while (!sendOne(0, bytes)) {
      waitIfIdle(0, startNs);
    }
    idle.reset();
    while (got < expected) {
      waitIfIdle(subscription.poll(toRegion, SLICE), startNs);
    }
    return System.nanoTime() - startNs;
  }

  @Override
  public void close() {
    CloseHelper.closeAll(publication, subscription, client, driver);
  }
}
