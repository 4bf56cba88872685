package io.kvasir.transport.shared;

import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.Region;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node's regions in files that other processes of its user may read; a folder of mode 0700 for
 * each life of a node. Any thread.
 *
 * <p>A folder is its owner's as long as the owner holds the lock on the file beside it, which the
 * kernel frees when it dies; whoever comes next sweeps what nobody holds. Deleting a file takes
 * nothing from those who have mapped it.
 */
public final class SharedFolder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SharedFolder.class);

  /** Left for the logs of media drivers and everybody else who lives in that file system. */
  private static final long SPARE_BYTES = 64L << 20;

  private static final int ZEROS_BYTES = 1 << 20;
  private static final String PREFIX = "blocks-";
  private static final String LOCK = ".lock";
  private static final String NEW = "new-";
  private static final FileAttribute<?> PRIVATE_FOLDER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<?> PRIVATE_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** Locks of this JVM: closing another channel of such a file would free it. */
  private static final Set<Path> HELD = new HashSet<>();

  private final Path folder;
  private final Path lockFile;
  private final FileChannel lock;
  private final long nodeId;
  private final long incarnation;
  private final LongSupplier availableBytes;

  private final List<MemorySegment> heads = new ArrayList<>();
  private int made;
  private boolean warned;
  private boolean closed;

  private SharedFolder(
      Path folder,
      Path lockFile,
      FileChannel lock,
      long nodeId,
      long incarnation,
      LongSupplier availableBytes) {
    this.folder = folder;
    this.lockFile = lockFile;
    this.lock = lock;
    this.nodeId = nodeId;
    this.incarnation = incarnation;
    this.availableBytes = availableBytes;
  }

  /**
   * Makes the folder of a node's life, and sweeps those of dead ones.
   *
   * @param base an existing folder that only this user can enter, in memory
   * @param availableBytes of its file system, promised to nobody
   * @throws IOException if it cannot be made; the node then goes without
   */
  public static SharedFolder open(
      Path base, long nodeId, long incarnation, LongSupplier availableBytes) throws IOException {
    synchronized (HELD) {
      sweep(base);
      Path folder = base.resolve(SharedLayout.folder(nodeId, incarnation));
      Path lockFile = folder.resolveSibling(folder.getFileName() + LOCK);
      Path unnamed = folder.resolveSibling(NEW + lockFile.getFileName());
      FileChannel channel =
          FileChannel.open(
              unnamed,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PRIVATE_FILE);
      boolean opened = false;
      try {
        channel.lock();
        // Under its name it is locked from the first moment: who sweeps now leaves it alone.
        Files.move(unnamed, lockFile, StandardCopyOption.ATOMIC_MOVE);
        Files.createDirectory(folder, PRIVATE_FOLDER);
        HELD.add(lockFile);
        opened = true;
      } finally {
        if (!opened) {
          channel.close();
          Files.deleteIfExists(unnamed);
          Files.deleteIfExists(lockFile);
        }
      }
      return new SharedFolder(folder, lockFile, channel, nodeId, incarnation, availableBytes);
    }
  }

  /** Deletes the folders whose locks nobody holds; what cannot be deleted is logged and left. */
  private static void sweep(Path base) throws IOException {
    List<Path> locks;
    try (Stream<Path> inside = Files.list(base)) {
      locks =
          inside
              .filter(path -> path.getFileName().toString().startsWith(PREFIX))
              .filter(path -> path.getFileName().toString().endsWith(LOCK))
              .filter(path -> !HELD.contains(path))
              .toList();
    }
    for (Path file : locks) {
      try (FileChannel channel =
              FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
          FileLock free = channel.tryLock()) {
        if (free != null) {
          String name = file.getFileName().toString();
          delete(file.resolveSibling(name.substring(0, name.length() - LOCK.length())));
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        LOG.warn("{} of a dead node cannot be swept: {}", file, e.toString());
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> files;
    try (Stream<Path> inside = Files.list(folder)) {
      files = inside.toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
    Files.deleteIfExists(folder);
  }

  /**
   * A region whose slots peers may read, registered with the transport. Blocks while the memory is
   * taken from the system.
   *
   * @param slots owns the mapping of the slots; closed after the region
   * @param bytes a multiple of {@code slotBytes}
   * @return null where the file system has no room for it
   */
  public Region region(BlockTransport transport, Arena slots, long bytes, int slotBytes) {
    Mapped mapped = map(slots, bytes, slotBytes);
    if (mapped == null) {
      return null;
    }
    Region region = transport.register(mapped.slots(), slotBytes, mapped.generations());
    publish(mapped, region);
    return region;
  }

  private record Mapped(
      Path file, MemorySegment head, MemorySegment generations, MemorySegment slots) {}

  /** Null where memory is not to be had in a file. */
  private synchronized Mapped map(Arena slots, long bytes, int slotBytes) {
    int slotCount = Math.toIntExact(bytes / slotBytes);
    long fileBytes = SharedLayout.fileBytes(slotBytes, slotCount);
    Path file = folder.resolve("making-" + made++);
    if (closed || !hasRoom(fileBytes)) {
      return null;
    }
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PRIVATE_FILE)) {
      // Written, not only sized: a full file system must show here and not as a bus error later.
      ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS_BYTES);
      for (long at = 0; at < fileBytes; ) {
        zeros.clear().limit((int) Math.min(ZEROS_BYTES, fileBytes - at));
        at += channel.write(zeros, at);
      }
      long slotsAt = SharedLayout.slotsOffset(slotCount);
      // A region may be asked for generations by who has not heard yet that all is closed.
      MemorySegment head = channel.map(FileChannel.MapMode.READ_WRITE, 0, slotsAt, Arena.ofAuto());
      SharedLayout.write(head, nodeId, incarnation, slotBytes, slotCount);
      MemorySegment content = channel.map(FileChannel.MapMode.READ_WRITE, slotsAt, bytes, slots);
      // Sixteen pages at a time; a first write would map one.
      content.load();
      return new Mapped(
          file, head, head.asSlice(SharedLayout.HEADER_BYTES, 4L * slotCount), content);
    } catch (IOException e) {
      warn(fileBytes, e.toString());
      discard(file);
      return null;
    }
  }

  private boolean hasRoom(long bytes) {
    try {
      long available = availableBytes.getAsLong();
      if (bytes + SPARE_BYTES <= available) {
        return true;
      }
      warn(bytes, available + " bytes are free and " + SPARE_BYTES + " of them stay so");
    } catch (UncheckedIOException e) {
      warn(bytes, e.getMessage());
    }
    return false;
  }

  private void warn(long bytes, String reason) {
    if (!warned && !closed) {
      warned = true;
      LOG.warn(
          "{} bytes for blocks stay private to this process, so peers on this host get blocks"
              + " through their media driver: {} in {}; enlarge that file system or lower"
              + " kvasir.actors.tier.host-bytes",
          bytes,
          reason,
          folder.getParent());
    }
  }

  private synchronized void publish(Mapped mapped, Region region) {
    if (closed) {
      return;
    }
    SharedLayout.region(mapped.head(), region.id());
    Path file = folder.resolve(SharedLayout.file(region.id()));
    try {
      // In place of that of a region that has ended and whose id this one has.
      Files.move(mapped.file(), file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // The driver's base folder was swept by hand: nobody can read it, nothing else is lost.
      LOG.warn("{} cannot be offered to peers: {}", file, e.toString());
      return;
    }
    heads.add(mapped.head());
    SharedLayout.state(mapped.head(), SharedLayout.SERVING);
    region.ended().thenRun(() -> end(mapped.head(), file));
  }

  private synchronized void end(MemorySegment head, Path file) {
    if (!closed && heads.remove(head)) {
      SharedLayout.state(head, SharedLayout.ENDED);
      discard(file);
    }
  }

  private static void discard(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("{} cannot be deleted: {}", file, e.toString());
    }
  }

  /** Ends what peers may read, and deletes the folder. Close it after the transport's regions. */
  @Override
  public void close() {
    synchronized (HELD) {
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
        heads.forEach(head -> SharedLayout.state(head, SharedLayout.ENDED));
      }
      try {
        delete(folder);
        Files.deleteIfExists(lockFile);
        lock.close();
      } catch (IOException e) {
        LOG.warn("{} cannot be deleted: {}", folder, e.toString());
      } finally {
        HELD.remove(lockFile);
      }
    }
  }
}
