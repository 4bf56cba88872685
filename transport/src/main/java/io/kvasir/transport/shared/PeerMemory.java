package io.kvasir.transport.shared;

import io.kvasir.transport.BlockRef;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The regions that another node on this host shares, in one of its lives. Mapped when they are
 * first asked for, until {@link #close}: a node that has died keeps its memory as long. Any thread.
 */
public final class PeerMemory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PeerMemory.class);
  private static final VarHandle GENERATION = ValueLayout.JAVA_INT.varHandle();

  /** A transport knows no more regions. */
  private static final int MAX_REGIONS = 256;

  private final Path folder;
  private final long nodeId;
  private final long incarnation;
  private final Arena arena = Arena.ofShared();
  private final Map<Integer, Mapped> regions = new HashMap<>();

  /** Regions that cannot be read and of which that has been said. */
  private final Set<Integer> left = new HashSet<>();

  private final LongAdder copiedBytes;
  private int held;
  private volatile boolean closed;

  private record Mapped(
      MemorySegment head, MemorySegment generations, MemorySegment slots, int slotBytes) {
    int generation(int slot) {
      return (int) GENERATION.getVolatile(generations, 4L * slot);
    }

    boolean serves(BlockRef ref, long bytes) {
      return SharedLayout.state(head) == SharedLayout.SERVING
          && ref.slot() >= 0
          && ref.slot() < generations.byteSize() / 4
          && bytes <= slotBytes;
    }
  }

  private PeerMemory(Path folder, long nodeId, long incarnation, LongAdder copiedBytes) {
    this.copiedBytes = copiedBytes;
    this.folder = folder;
    this.nodeId = nodeId;
    this.incarnation = incarnation;
  }

  /**
   * What a node shares.
   *
   * @param base where folders of shared regions lie; see {@link SharedFolder#open}
   * @param copiedBytes counts what is copied
   * @return null if it shares nothing here
   */
  public static PeerMemory open(Path base, long nodeId, long incarnation, LongAdder copiedBytes) {
    Path folder = base.resolve(SharedLayout.folder(nodeId, incarnation));
    return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
        ? new PeerMemory(folder, nodeId, incarnation, copiedBytes)
        : null;
  }

  /** The life whose memory this is. */
  public long incarnation() {
    return incarnation;
  }

  /**
   * Copies the first bytes of a slot, as many as the target has.
   *
   * @param target undefined after a failure
   * @return whether the slot had the reference's generation before and after; false also where the
   *     region is not shared or has ended
   */
  public boolean copy(BlockRef source, MemorySegment target) {
    try {
      Mapped region = region(source.regionId());
      if (region == null
          || !region.serves(source, target.byteSize())
          || region.generation(source.slot()) != source.generation()) {
        return false;
      }
      long at = (long) source.slot() * region.slotBytes();
      MemorySegment.copy(region.slots(), at, target, 0, target.byteSize());
      // The owner renews a generation before it writes: what is the same now was the same all
      // along.
      VarHandle.loadLoadFence();
      boolean same =
          region.generation(source.slot()) == source.generation()
              && SharedLayout.state(region.head()) == SharedLayout.SERVING;
      if (same) {
        copiedBytes.add(target.byteSize());
      }
      return same;
    } catch (IllegalStateException ended) {
      // Closed meanwhile by another thread.
      return false;
    } catch (InternalError fault) {
      // Someone cut the file short under the mapping: no bytes, no block, but no crash either.
      LOG.warn("{} lost the memory of its regions: {}", folder, fault.toString());
      return false;
    }
  }

  /**
   * Keeps everything mapped until {@link #release}, be it closed meanwhile: a device reads a view
   * at a time of its own.
   *
   * @return whether it is not closed yet; nothing is to be released otherwise
   */
  public synchronized boolean hold() {
    held += closed ? 0 : 1;
    return !closed;
  }

  /** Ends a {@link #hold}. */
  public void release() {
    synchronized (this) {
      held--;
      if (held > 0 || !closed) {
        return;
      }
    }
    arena.close();
  }

  /** A slot where it lies. */
  public final class View {
    private final Mapped region;
    private final BlockRef ref;
    private final MemorySegment bytes;

    private View(Mapped region, BlockRef ref, long bytes) {
      this.region = region;
      this.ref = ref;
      this.bytes = region.slots().asSlice((long) ref.slot() * region.slotBytes(), bytes);
    }

    /**
     * Its first bytes, read-only, to be read while the memory is held. Reading throws {@link
     * InternalError} when the file was cut short.
     */
    public MemorySegment bytes() {
      return bytes;
    }

    /** Whether all that was read of it until now, and since it was made, was of one generation. */
    public boolean holds() {
      // The owner renews a generation before it writes: what is the same now was so all along.
      VarHandle.loadLoadFence();
      try {
        return !closed
            && region.generation(ref.slot()) == ref.generation()
            && SharedLayout.state(region.head()) == SharedLayout.SERVING;
      } catch (IllegalStateException | InternalError ended) {
        return false;
      }
    }
  }

  /**
   * Looks at a slot without a copy.
   *
   * @param bytes how many of its first ones
   * @return null where the region is not shared or has ended, or the slot is of another generation
   */
  public View view(BlockRef source, long bytes) {
    Mapped region = region(source.regionId());
    if (region == null || !region.serves(source, bytes)) {
      return null;
    }
    View view = new View(region, source, bytes);
    return view.holds() ? view : null;
  }

  /** Counts bytes that were read of views and held. */
  public void taken(long bytes) {
    copiedBytes.add(bytes);
  }

  private synchronized Mapped region(int id) {
    if (closed) {
      return null;
    }
    Mapped known = regions.get(id);
    if (known != null && SharedLayout.state(known.head()) != SharedLayout.ENDED) {
      return known;
    }
    if (id < 0 || id >= MAX_REGIONS) {
      return null;
    }
    // Absent, or the id belongs to another region now; the old mapping stays until the end.
    Mapped mapped = map(id);
    if (mapped != null) {
      regions.put(id, mapped);
    }
    return mapped;
  }

  private Mapped map(int id) {
    Path file = folder.resolve(SharedLayout.file(id));
    try (FileChannel channel =
            FileChannel.open(file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
        Arena reading = Arena.ofConfined()) {
      // Looked at before it is mapped, because what is mapped stays so.
      MemorySegment head = reading.allocate(SharedLayout.HEADER_BYTES, Long.BYTES);
      long length = channel.size();
      String fault =
          channel.read(head.asByteBuffer(), 0) < SharedLayout.HEADER_BYTES
              ? "it has only " + length + " bytes"
              : SharedLayout.fault(head, length, nodeId, incarnation, id);
      if (fault != null) {
        leave(id, file, fault);
        return null;
      }
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, length, arena);
      int slotCount = SharedLayout.slotCount(head);
      return new Mapped(
          all,
          all.asSlice(SharedLayout.HEADER_BYTES, 4L * slotCount),
          all.asSlice(SharedLayout.slotsOffset(slotCount)),
          SharedLayout.slotBytes(head));
    } catch (NoSuchFileException notShared) {
      return null;
    } catch (IOException e) {
      leave(id, file, e.toString());
      return null;
    }
  }

  /** Says once what every block of the region would meet again. */
  private void leave(int id, Path file, String reason) {
    if (left.add(id)) {
      LOG.warn("{} is not read, its blocks come through the media driver: {}", file, reason);
    }
  }

  /**
   * Nothing is to be found here any more. Unmaps everything, at once or when nobody holds it;
   * copies under way then end as failed.
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      regions.clear();
      if (held > 0) {
        return;
      }
    }
    arena.close();
  }
}
