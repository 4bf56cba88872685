package io.kvasir.transport.driver;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Terms, windows and socket buffers for a number of peers, and the memory that follows. A full
 * tmpfs would show only while blocks are moving, as a bus error in the driver, because log files
 * are sparse; so {@link #check} compares the sum with what is free before anything starts.
 * Immutable.
 *
 * @param fixedBytes of the driver itself: command buffers, counters, error log, loss report
 */
public record LogSizing(
    LaneSizing bulk,
    LaneSizing small,
    LaneSizing control,
    int peerCount,
    int nodesPerHost,
    int receiveBufferBytes,
    int sendBufferBytes,
    int counterBytes,
    long fixedBytes,
    SizingSettings settings) {
  /** A term must hold so many frames: Aeron's bound on a message is an eighth of a term. */
  static final int TERM_FRAMES = 8;

  private static final int LARGEST_DERIVED_TERM = 16 << 20;
  private static final int SMALLEST_WINDOW = 128 << 10;
  private static final int WINDOW_FRAMES = 4;
  private static final int DIRECTIONS = 2;
  private static final int FRAME_ALIGNMENT = 32;

  /** Aeron's own counters of a lane in both directions, and some of ours; 128 bytes each. */
  private static final int COUNTERS_PER_LANE = 16;

  private static final int COUNTERS_OF_NODE = 1024;
  private static final int COUNTER_VALUE_BYTES = 128;
  private static final int COUNTER_METADATA_RATIO = 4;
  private static final int SMALLEST_COUNTERS = 1 << 20;

  /** To the driver, to the clients and loss report 1 MiB each, error log 4 MiB. */
  private static final long DRIVER_BUFFERS = (1 + 1 + 1 + 4 + 1) << 20;

  /**
   * Derives what the settings leave open.
   *
   * @throws ConfigurationException never for lack of memory: that is {@link #check}'s
   */
  public static LogSizing derive(SizingSettings settings, HostLimits limits) {
    int counters =
        Integer.highestOneBit(
                COUNTER_VALUE_BYTES
                        * (COUNTERS_OF_NODE
                            + COUNTERS_PER_LANE * 3 * settings.maxPeers() * settings.nodesPerHost())
                    - 1)
            << 1;
    counters = Math.max(SMALLEST_COUNTERS, counters);
    long fixed = DRIVER_BUFFERS + (1L + COUNTER_METADATA_RATIO) * counters;
    long budget =
        settings.budgetBytes() == 0 ? limits.availableBytes() / 2 : settings.budgetBytes();
    int smallestBulk =
        Math.max(
            SizingSettings.MIN_TERM_BYTES,
            Integer.highestOneBit(TERM_FRAMES * settings.mtuBytes() - 1) << 1);
    int bulkTerm = settings.bulkTermBytes();
    if (bulkTerm == 0) {
      bulkTerm = LARGEST_DERIVED_TERM;
      while (bulkTerm > smallestBulk
          && of(settings, bulkTerm, limits, counters, fixed).totalBytes() > budget) {
        bulkTerm /= 2;
      }
    }
    return of(settings, bulkTerm, limits, counters, fixed);
  }

  private static LogSizing of(
      SizingSettings settings, int bulkTerm, HostLimits limits, int counters, long fixed) {
    int window = window(settings);
    LaneSizing bulk = lane("bulk", bulkTerm, window, settings.mtuBytes());
    int receive =
        (int)
            Math.min(limits.receiveBufferBytes(), (long) bulk.windowBytes() * settings.maxPeers());
    return new LogSizing(
        bulk,
        lane("small", settings.smallTermBytes(), window, settings.mtuBytes()),
        lane("control", settings.controlTermBytes(), window, settings.mtuBytes()),
        settings.maxPeers(),
        settings.nodesPerHost(),
        Math.max(receive, bulk.windowBytes()),
        Math.max(settings.mtuBytes(), Math.min(bulk.windowBytes(), limits.sendBufferBytes())),
        counters,
        fixed,
        settings);
  }

  /** Bandwidth x round trip, and some frames. */
  private static int window(SizingSettings settings) {
    double underWay = settings.bandwidthBytesPerSecond() * (settings.roundTrip().toNanos() / 1e9);
    double wanted = Math.max(underWay, WINDOW_FRAMES * settings.mtuBytes());
    long window = SMALLEST_WINDOW;
    while (window < wanted && window < SizingSettings.MAX_TERM_BYTES / 2) {
      window *= 2;
    }
    return (int) window;
  }

  private static LaneSizing lane(String name, int term, int window, int mtu) {
    int fits = term / TERM_FRAMES / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    return new LaneSizing(name, term, Math.min(window, term / 2), Math.min(mtu, fits));
  }

  private List<LaneSizing> lanes() {
    return List.of(bulk, small, control);
  }

  /** Logs of one node: every lane, both directions, every peer. */
  public long logBytesPerNode() {
    return lanes().stream().mapToLong(LaneSizing::logBytes).sum() * DIRECTIONS * peerCount;
  }

  /** All that the host's driver may come to hold. */
  public long totalBytes() {
    return logBytesPerNode() * nodesPerHost + fixedBytes;
  }

  /**
   * Refuses what this machine cannot carry.
   *
   * @param reservedBytes of {@link #totalBytes} that a running driver has reserved already; 0 when
   *     one is to be started
   * @throws ConfigurationException with the arithmetic
   */
  public void check(HostLimits limits, long reservedBytes) {
    long needed = totalBytes() - reservedBytes;
    if (needed > limits.availableBytes()) {
      throw new ConfigurationException(
          ("the logs of %d peers need %s, but %s has %s free (%s of it promised to other drivers);"
                  + " lower %s.max-peers, nodes-per-host or the terms, or enlarge the file system"
                  + " (docker: --shm-size, Kubernetes: an emptyDir of medium Memory)")
              .formatted(
                  peerCount,
                  arithmetic(),
                  limits.folder(),
                  show(limits.freeBytes()),
                  show(limits.promisedBytes()),
                  SizingSettings.PATH));
    }
    if (bulk.windowBytes() > limits.receiveBufferBytes()) {
      throw new ConfigurationException(
          ("the bulk window of %s (bandwidth-per-second=%s x round-trip=%s) is above the largest"
                  + " socket buffer of %s; set net.core.rmem_max=%d or lower %s.round-trip")
              .formatted(
                  show(bulk.windowBytes()),
                  show(settings.bandwidthBytesPerSecond()),
                  SettingsReader.show(settings.roundTrip()),
                  show(limits.receiveBufferBytes()),
                  bulk.windowBytes(),
                  SizingSettings.PATH));
    }
    if (bulk.mtuBytes() > limits.sendBufferBytes()) {
      throw new ConfigurationException(
          "%s.mtu=%d bytes is above the largest send buffer of %s; set net.core.wmem_max=%d or lower mtu"
              .formatted(
                  SizingSettings.PATH,
                  bulk.mtuBytes(),
                  show(limits.sendBufferBytes()),
                  sendBufferBytes));
    }
  }

  private String arithmetic() {
    return "%d terms x (%s) x %d directions x %d peers x %d nodes on this host = %s, and %s for the driver, together %s"
        .formatted(
            LaneSizing.TERMS,
            lanes().stream()
                .map(lane -> lane.name() + " " + show(lane.termBytes()))
                .collect(Collectors.joining(" + ")),
            DIRECTIONS,
            peerCount,
            nodesPerHost,
            show(logBytesPerNode() * nodesPerHost),
            show(fixedBytes),
            show(totalBytes()));
  }

  /** The arithmetic, a line each for memory, lanes and sockets. */
  public String explain() {
    StringBuilder text = new StringBuilder("log memory: ").append(arithmetic()).append('\n');
    text.append(
        "window: %s per second x %s = %s under way at most\n"
            .formatted(
                show(settings.bandwidthBytesPerSecond()),
                SettingsReader.show(settings.roundTrip()),
                show(
                    (long)
                        (settings.bandwidthBytesPerSecond()
                            * (settings.roundTrip().toNanos() / 1e9)))));
    for (LaneSizing lane : lanes()) {
      text.append(
          "%s lane: term %s, window %s (at most half a term), MTU %d bytes (at most an eighth)\n"
              .formatted(
                  lane.name(), show(lane.termBytes()), show(lane.windowBytes()), lane.mtuBytes()));
    }
    text.append(
        "sockets: SO_RCVBUF %s (at least the bulk window), SO_SNDBUF %s (at least the MTU)\n"
            .formatted(show(receiveBufferBytes), show(sendBufferBytes)));
    text.append(
        "counters: %s for %d per lane and peer beside %d of the nodes\n"
            .formatted(show(counterBytes), COUNTERS_PER_LANE, COUNTERS_OF_NODE));
    return text.toString();
  }

  private static String show(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " bytes";
    }
    boolean mib = bytes >= 1 << 20;
    double value = bytes / (double) (mib ? 1 << 20 : 1 << 10);
    String format = value == Math.rint(value) ? "%.0f %s" : "%.1f %s";
    return String.format(Locale.ROOT, format, value, mib ? "MiB" : "KiB");
  }
}
