package io.kvasir.transport.media;

import io.aeron.Aeron;
import io.aeron.CncFileDescriptor;
import io.aeron.exceptions.AeronException;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.crypto.LinkCiphers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.agrona.CloseHelper;
import org.agrona.IoUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Aeron as a medium: shared memory to peers of the same media driver, UDP unicast to others.
 *
 * <p>A client that its driver gave up (a pause beyond the service time-out), or whose driver died,
 * is closed with everything on it. The medium then reports every way as gone, connects anew on a
 * thread of its own until that succeeds, and opens its endpoints again under the next publication
 * numbers.
 */
public final class AeronMedium implements Medium {
  private static final Logger LOG = LoggerFactory.getLogger(AeronMedium.class);
  private static final long RETRY_NS = 200_000_000L;

  private final Supplier<Aeron> connector;
  private final AeronSettings settings;
  private final TransportCounters counters;
  private final ArrayList<AeronEndpoint> endpoints = new ArrayList<>();
  private final AtomicReference<Aeron> connected = new AtomicReference<>();
  private volatile Aeron aeron;
  private volatile long driverId;
  private volatile boolean connecting;
  private volatile boolean closed;
  private CounterExport export;
  private long nextTryNs;

  /**
   * Connects; blocks until the driver answers.
   *
   * @param connector makes a client of the node's driver, now and after each loss; may throw while
   *     there is none. Its error handler must not end the process
   * @param counters where rebuilds are counted
   */
  public AeronMedium(
      Supplier<Aeron> connector, AeronSettings settings, TransportCounters counters) {
    this.connector = connector;
    this.settings = settings;
    this.counters = counters;
    this.aeron = connector.get();
    this.driverId = driverIdOf(aeron);
  }

  /** Names the driver by machine, process and start, so that equal ids share memory. */
  private static long driverIdOf(Aeron client) {
    Path cnc = Path.of(client.context().aeronDirectoryName(), CncFileDescriptor.CNC_FILE);
    var mapped = IoUtil.mapExistingFile(cnc.toFile(), "cnc");
    try {
      UnsafeBuffer metaData = CncFileDescriptor.createMetaDataBuffer(mapped);
      long digest = CncFileDescriptor.startTimestampMs(metaData) * 0x9E3779B97F4A7C15L;
      digest = (digest ^ CncFileDescriptor.pid(metaData)) * 0xBF58476D1CE4E5B9L;
      digest = (digest ^ cnc.toString().hashCode()) * 0x94D049BB133111EBL;
      return (digest ^ bootId()) | 1;
    } finally {
      IoUtil.unmap(mapped);
    }
  }

  private static long bootId() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).hashCode();
    } catch (IOException e) {
      return 0;
    }
  }

  @Override
  public Invitation describe(long nodeId, long incarnation, long guestNodeId, int sessionBase) {
    return new Invitation(
        nodeId,
        incarnation,
        guestNodeId,
        driverId,
        settings.endpoint(),
        settings.streamBase(),
        sessionBase);
  }

  private static boolean sharesDriver(Invitation own, Invitation peer) {
    return own.driverId() != 0 && own.driverId() == peer.driverId();
  }

  @Override
  public boolean leavesHost(Invitation own, Invitation peer) {
    if (sharesDriver(own, peer)) {
      return false;
    }
    int colon = peer.endpoint().lastIndexOf(':');
    try {
      return colon < 1
          || !InetAddress.getByName(peer.endpoint().substring(0, colon)).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return true;
    }
  }

  @Override
  public Endpoint open(Invitation own, Invitation peer, LinkCiphers ciphers) {
    boolean ipc = sharesDriver(own, peer);
    if (!ipc && (own.endpoint().isEmpty() || peer.endpoint().isEmpty())) {
      throw new IllegalArgumentException(
          "nodes "
              + own.nodeId()
              + " and "
              + peer.nodeId()
              + " share no media driver and not both have a UDP endpoint; configure host:port");
    }
    AeronEndpoint endpoint =
        new AeronEndpoint(
            this, ipc ? MediumKind.IPC : MediumKind.UDP, settings, own, peer, ciphers);
    endpoints.add(endpoint);
    return endpoint;
  }

  void forget(AeronEndpoint endpoint) {
    endpoints.remove(endpoint);
  }

  /** The client, or null while there is none. */
  Aeron client() {
    return aeron;
  }

  @Override
  public int doWork(long nowNs) {
    Aeron fresh = connected.getAndSet(null);
    if (fresh != null) {
      aeron = fresh;
      driverId = driverIdOf(fresh);
      export = null;
      counters.increment(TransportCounter.MEDIA_REBUILDS);
      try {
        endpoints.forEach(AeronEndpoint::listen);
      } catch (AeronException e) {
        onClientTrouble(e);
      }
    }
    Aeron client = aeron;
    if (client != null && client.isClosed()) {
      aeron = null;
      endpoints.forEach(AeronEndpoint::onClientLost);
      nextTryNs = nowNs;
      client = null;
    }
    if (client == null && !connecting && nowNs - nextTryNs >= 0) {
      nextTryNs = nowNs + RETRY_NS;
      connecting = true;
      Thread.ofPlatform().daemon().name("kvasir-aeron-connect").start(this::reconnect);
    }
    return (fresh == null ? 0 : 1) + (client == null ? 0 : progress());
  }

  private int progress() {
    int work = 0;
    try {
      for (int i = 0; i < endpoints.size(); i++) {
        work += endpoints.get(i).progress();
      }
    } catch (AeronException e) {
      onClientTrouble(e);
    }
    return work;
  }

  /** A client that is closing refuses calls a little before it says that it is closed. */
  void onClientTrouble(AeronException trouble) {
    LOG.debug("the Aeron client refuses a call: {}", trouble.getMessage());
  }

  private void reconnect() {
    try {
      Aeron fresh = connector.get();
      connected.set(fresh);
      if (closed) {
        CloseHelper.quietClose(connected.getAndSet(null));
      }
    } catch (RuntimeException e) {
      LOG.warn("no media driver answers yet: {}", e.getMessage());
    } finally {
      connecting = false;
    }
  }

  @Override
  public void export(TransportCounters source) {
    Aeron client = aeron;
    if (client == null || client.isClosed()) {
      return;
    }
    try {
      if (export == null) {
        export = new CounterExport(client);
      }
      export.copy(source);
    } catch (AeronException e) {
      onClientTrouble(e);
    }
  }

  @Override
  public boolean down() {
    return aeron == null;
  }

  @Override
  public void close() {
    closed = true;
    while (!endpoints.isEmpty()) {
      endpoints.get(endpoints.size() - 1).close();
    }
    CloseHelper.quietClose(connected.getAndSet(null));
    CloseHelper.quietClose(aeron);
  }
}
