package io.kvasir.transport.media;

import io.kvasir.transport.Lane;
import io.kvasir.transport.driver.LaneSizing;
import io.kvasir.transport.driver.LogSizing;
import java.util.List;
import java.util.Objects;

/**
 * How a node uses Aeron.
 *
 * @param endpoint own {@code host:port} for UDP, or empty to use shared memory only
 * @param streamBase stream id of the control lane
 * @param ipc settings of control, small and bulk lane over shared memory
 * @param udp the same over UDP
 */
public record AeronSettings(
    String endpoint, int streamBase, List<LaneSettings> ipc, List<LaneSettings> udp) {
  /** Stream id where nothing else is said. */
  public static final int DEFAULT_STREAM_BASE = 19_286;

  public AeronSettings {
    Objects.requireNonNull(endpoint, "endpoint");
    ipc = List.copyOf(ipc);
    udp = List.copyOf(udp);
    if (ipc.size() != Lane.values().length || udp.size() != Lane.values().length) {
      throw new IllegalArgumentException(
          "settings for " + ipc.size() + " and " + udp.size() + " lanes given, 3 each needed");
    }
  }

  /**
   * Settings by the largest frame. Bulk terms over shared memory are short (1 MiB), so that a frame
   * Settings by the largest frame, modest in memory: bulk terms of 1 MiB over shared memory; over
   * UDP they cover a 2 MiB window. Faster ones follow from a driver's sizing ({@link
   * io.kvasir.transport.driver.DriverClients#lanes}).
   *
   * @param mtuBytes MTU of small and bulk lane; the control lane takes at most 8 KiB of it
   */
  public static AeronSettings of(String endpoint, int mtuBytes) {
    int controlMtu = Math.min(mtuBytes, 8192);
    int smallTerm = Math.max(64 << 10, Integer.highestOneBit(8 * mtuBytes - 1) << 1);
    LaneSettings control = new LaneSettings(64 << 10, controlMtu, 0);
    LaneSettings small = new LaneSettings(smallTerm, mtuBytes, 0);
    return new AeronSettings(
        endpoint,
        DEFAULT_STREAM_BASE,
        List.of(control, small, new LaneSettings(1 << 20, mtuBytes, 0)),
        List.of(
            new LaneSettings(64 << 10, controlMtu, 0),
            new LaneSettings(smallTerm, mtuBytes, 0),
            new LaneSettings(4 << 20, mtuBytes, 2 << 20)));
  }

  /**
   * Settings by the sums made for the node's driver. Over shared memory frames are as long as the
   * terms allow, whatever the MTU of the network is.
   */
  public static AeronSettings of(String endpoint, LogSizing sizing) {
    return new AeronSettings(
        endpoint,
        DEFAULT_STREAM_BASE,
        List.of(shared(sizing.control()), shared(sizing.small()), shared(sizing.bulk())),
        List.of(network(sizing.control()), network(sizing.small()), network(sizing.bulk())));
  }

  private static LaneSettings shared(LaneSizing lane) {
    int longest = Math.min(LaneSettings.MAX_MTU_BYTES, lane.termBytes() / 8);
    return new LaneSettings(lane.termBytes(), longest / 32 * 32, 0);
  }

  private static LaneSettings network(LaneSizing lane) {
    return new LaneSettings(lane.termBytes(), lane.mtuBytes(), lane.windowBytes());
  }
}
