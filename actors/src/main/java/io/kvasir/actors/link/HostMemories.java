package io.kvasir.actors.link;

import io.kvasir.runtime.device.Devices;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.MediumKind;
import io.kvasir.transport.PeerStatus;
import io.kvasir.transport.Region;
import io.kvasir.transport.shared.PeerMemory;
import io.kvasir.transport.shared.SharedFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What nodes of one host read of each other's block memory: this node's own in files, and that of
 * the peers to which a link through the same media driver stands. Any thread.
 */
public final class HostMemories implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HostMemories.class);

  private final Path base;
  private final SharedFolder own;
  private final Map<Long, PeerMemory> peers = new ConcurrentHashMap<>();
  private final LongAdder copiedBytes = new LongAdder();

  private HostMemories(Path base, SharedFolder own) {
    this.base = base;
    this.own = own;
  }

  /** Shares nothing and reads nothing. */
  static HostMemories none() {
    return new HostMemories(null, null);
  }

  /**
   * Shares this node's memory below a folder, or nothing where that cannot be.
   *
   * @param base where nodes of this host meet: a folder that only this user enters, in memory
   * @param availableBytes of its file system, promised to nobody
   */
  public static HostMemories open(
      Path base, long nodeId, long incarnation, LongSupplier availableBytes) {
    try {
      return new HostMemories(base, SharedFolder.open(base, nodeId, incarnation, availableBytes));
    } catch (IOException e) {
      LOG.warn(
          "blocks of this node stay private to its process, because no folder can be made in {}:"
              + " {}",
          base,
          e.toString());
      return none();
    }
  }

  Region region(BlockTransport transport, Arena arena, long bytes, int slotBytes) {
    Region shared = own == null ? null : own.region(transport, arena, bytes, slotBytes);
    return shared == null
        ? transport.register(Devices.hostMemory(arena, bytes), slotBytes)
        : shared;
  }

  /** A peer that is reached by sockets is on another host, or of another user's driver. */
  void up(PeerStatus status) {
    if (own != null && status.medium() != MediumKind.UDP && !status.encrypted()) {
      replace(
          status.nodeId(),
          PeerMemory.open(base, status.nodeId(), status.incarnation(), copiedBytes));
    } else {
      down(status.nodeId());
    }
  }

  void down(long nodeId) {
    replace(nodeId, null);
  }

  private void replace(long nodeId, PeerMemory next) {
    PeerMemory former = next == null ? peers.remove(nodeId) : peers.put(nodeId, next);
    if (former != null) {
      former.close();
    }
  }

  /** Null where there is none of that life to be read. */
  PeerMemory of(long nodeId, long incarnation) {
    PeerMemory memory = peers.get(nodeId);
    return memory != null && memory.incarnation() == incarnation ? memory : null;
  }

  /** Bytes copied out of peers' memory since the start. */
  long copiedBytes() {
    return copiedBytes.sum();
  }

  /** Close it behind the transport. */
  @Override
  public void close() {
    peers.keySet().forEach(this::down);
    if (own != null) {
      own.close();
    }
  }
}
