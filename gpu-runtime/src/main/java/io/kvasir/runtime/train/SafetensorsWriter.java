package io.kvasir.runtime.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes bf16 tensors as one safetensors file.
 *
 * <pre>
 * offset  bytes  meaning (little-endian)
 * 0       8      length H of the header, a multiple of 8
 * 8       H      JSON {"__metadata__":{…}, name: {"dtype":"BF16","shape":[…],"data_offsets":[from,to]}}, padded with spaces
 * 8+H     …      tensors in header order, without gaps; offsets count from here
 * </pre>
 *
 * <p>Values are rounded to the nearest bf16, ties to even. Not safe for use by several threads.
 */
public final class SafetensorsWriter {
  private final Map<String, Object> header = new LinkedHashMap<>();
  private final List<short[]> tensors = new ArrayList<>();
  private long dataLengthBytes;

  /** An empty file; metadata are free texts for readers. */
  public SafetensorsWriter(Map<String, String> metadata) {
    header.put("__metadata__", Map.copyOf(metadata));
  }

  /**
   * Adds a tensor; values are copied.
   *
   * @throws IllegalArgumentException when the shape does not hold exactly these values or the name
   *     is taken
   */
  public void add(String name, long[] shape, float[] values) {
    long count = 1;
    for (long extent : shape) {
      count *= extent;
    }
    if (count != values.length) {
      throw new IllegalArgumentException(
          "tensor " + name + " has " + values.length + " values, its shape holds " + count);
    }
    short[] rounded = new short[values.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = bf16(values[i]);
    }
    long end = dataLengthBytes + 2L * rounded.length;
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("dtype", "BF16");
    entry.put("shape", shape.clone());
    entry.put("data_offsets", new long[] {dataLengthBytes, end});
    if (header.putIfAbsent(name, entry) != null) {
      throw new IllegalArgumentException("tensor " + name + " was added before, use another name");
    }
    tensors.add(rounded);
    dataLengthBytes = end;
  }

  /** Writes the file; an older file stays whole until the new one is complete. */
  public void write(Path file) throws IOException {
    String json = new ObjectMapper().writeValueAsString(header);
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    int paddedLengthBytes = (text.length + 7) / 8 * 8;
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(8 + paddedLengthBytes + dataLengthBytes))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(paddedLengthBytes).put(text);
    while (bytes.position() < 8 + paddedLengthBytes) {
      bytes.put((byte) ' ');
    }
    for (short[] tensor : tensors) {
      for (short value : tensor) {
        bytes.putShort(value);
      }
    }
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try (FileChannel channel =
        FileChannel.open(
            partial,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      bytes.flip();
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Bits of the nearest bf16, ties to even. */
  static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) 0x7FC0;
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }
}
