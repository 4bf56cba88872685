package io.kvasir.runtime.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/**
 * One safetensors file, memory-mapped, of any length. Immutable and thread-safe; the mapping
 * belongs to the arena given at opening.
 */
public final class SafetensorsFile {
  private final String name;
  private final Map<String, SafetensorsHeader.Entry> entries;
  private final byte[] header;
  private final MemorySegment data;

  private SafetensorsFile(
      String name,
      Map<String, SafetensorsHeader.Entry> entries,
      byte[] header,
      MemorySegment data) {
    this.name = name;
    this.entries = entries;
    this.header = header;
    this.data = data;
  }

  /**
   * Maps a file read-only for the life of {@code arena}.
   *
   * @throws CheckpointException if it is missing, truncated or inconsistent
   */
  public static SafetensorsFile map(Path path, Arena arena) {
    String name = String.valueOf(path.getFileName());
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long fileBytes = channel.size();
      ByteBuffer prefix = ByteBuffer.allocate(SafetensorsHeader.PREFIX_BYTES);
      if (fileBytes < SafetensorsHeader.PREFIX_BYTES) {
        throw tooShort(name, fileBytes);
      }
      readFully(channel, prefix, 0);
      long stated = prefix.order(ByteOrder.LITTLE_ENDIAN).getLong(0);
      byte[] header = new byte[SafetensorsHeader.headerLength(stated, fileBytes, name)];
      readFully(channel, ByteBuffer.wrap(header), SafetensorsHeader.PREFIX_BYTES);
      long dataOffset = SafetensorsHeader.PREFIX_BYTES + header.length;
      var entries = SafetensorsHeader.parse(header, fileBytes - dataOffset, name);
      MemorySegment whole = channel.map(FileChannel.MapMode.READ_ONLY, 0, fileBytes, arena);
      return new SafetensorsFile(name, entries, header, whole.asSlice(dataOffset));
    } catch (NoSuchFileException e) {
      throw new CheckpointException(
          path + " does not exist: download the missing file into the folder.", e);
    } catch (IOException e) {
      throw new CheckpointException(
          path + " cannot be read (" + e.getMessage() + "): check the file and its rights.", e);
    }
  }

  /** The same over memory that already holds the file's bytes. */
  static SafetensorsFile of(String name, MemorySegment bytes) {
    long fileBytes = bytes.byteSize();
    if (fileBytes < SafetensorsHeader.PREFIX_BYTES) {
      throw tooShort(name, fileBytes);
    }
    long stated = bytes.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
    int headerBytes = SafetensorsHeader.headerLength(stated, fileBytes, name);
    byte[] header =
        bytes.asSlice(SafetensorsHeader.PREFIX_BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    long dataOffset = SafetensorsHeader.PREFIX_BYTES + headerBytes;
    var entries = SafetensorsHeader.parse(header, fileBytes - dataOffset, name);
    return new SafetensorsFile(name, entries, header, bytes.asSlice(dataOffset).asReadOnly());
  }

  private static CheckpointException tooShort(String name, long fileBytes) {
    return new CheckpointException(
        name
            + " has "
            + fileBytes
            + " bytes, a safetensors file has at least "
            + SafetensorsHeader.PREFIX_BYTES
            + " (truncated): download it again.");
  }

  private static void readFully(FileChannel channel, ByteBuffer target, long position)
      throws IOException {
    while (target.hasRemaining()) {
      int count = channel.read(target, position + target.position());
      if (count < 0) {
        throw new EOFException("ended at byte " + (position + target.position()));
      }
    }
  }

  /** File name without folder. */
  public String name() {
    return name;
  }

  public Set<String> tensorNames() {
    return entries.keySet();
  }

  /** Bytes of all tensors. */
  public long dataBytes() {
    return data.byteSize();
  }

  byte[] header() {
    return header;
  }

  /** Type and shape with empty data. */
  TensorView describe(String tensor) {
    SafetensorsHeader.Entry e = entries.get(tensor);
    return new TensorView(tensor, e.dtype(), e.shape().clone(), MemorySegment.NULL);
  }

  /** A view of the mapped bytes; the tensor must be one of {@link #tensorNames()}. */
  public TensorView tensor(String tensor) {
    SafetensorsHeader.Entry e = entries.get(tensor);
    if (e == null) {
      throw new CheckpointException(
          name + " has no tensor " + Problems.quote(tensor) + ": download the file again.");
    }
    return new TensorView(
        tensor,
        e.dtype(),
        e.shape().clone(),
        data.asSlice(e.fromByte(), e.toByte() - e.fromByte()));
  }
}
