package io.kvasir.runtime.checkpoint.gguf;

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
 * Collects the key/values and tensors of one GGUF v3 file and writes it row by row, so that a model
 * larger than the heap can be exported. The file appears under its name only when complete. For one
 * thread.
 */
public final class GgufWriter {
  private static final int VERSION = 3;
  private static final int ALIGNMENT_BYTES = 32;
  private static final int BUFFER_BYTES = 1 << 20;

  private static final int TYPE_UINT32 = 4;
  private static final int TYPE_INT32 = 5;
  private static final int TYPE_FLOAT32 = 6;
  private static final int TYPE_BOOL = 7;
  private static final int TYPE_STRING = 8;
  private static final int TYPE_ARRAY = 9;

  /** Fills {@code target} (one element per column) with the values of a row. */
  @FunctionalInterface
  public interface RowSource {
    void read(long row, float[] target);
  }

  private record Tensor(
      String name, GgufType type, long rowCount, int columnCount, boolean vector, RowSource rows) {
    long lengthBytes() {
      return type.rowBytes(columnCount) * rowCount;
    }
  }

  private final Map<String, Object> values = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private ByteBuffer buffer;
  private FileChannel channel;

  /**
   * Sets a key. Integers are written as u32, arrays as arrays of i32, f32 or string.
   *
   * @param value Integer, Float, Boolean, String, int[], float[] or String[]
   */
  public GgufWriter put(String key, Object value) {
    valueType(key, value);
    values.put(key, value);
    return this;
  }

  /** Adds a matrix of {@code rowCount × columnCount}, rows being the output dimension. */
  public GgufWriter matrix(
      String name, GgufType type, long rowCount, int columnCount, RowSource rows) {
    if (columnCount % type.blockElements != 0) {
      throw new IllegalArgumentException(
          name
              + " has columnCount="
              + columnCount
              + ", store it as F16 because "
              + type
              + " needs a multiple of "
              + type.blockElements);
    }
    tensors.add(new Tensor(name, type, rowCount, columnCount, false, rows));
    return this;
  }

  /** Adds a vector; readers expect norms and biases in f32. */
  public GgufWriter vector(String name, float[] data) {
    tensors.add(
        new Tensor(
            name,
            GgufType.F32,
            1,
            data.length,
            true,
            (_, target) -> System.arraycopy(data, 0, target, 0, data.length)));
    return this;
  }

  /** Writes everything to {@code file}, replacing it. */
  public void write(Path file) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".part");
    buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel out =
        FileChannel.open(
            partial,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      channel = out;
      writeHeader();
      for (Tensor tensor : tensors) {
        pad();
        writeTensor(tensor);
      }
      pad();
      flush();
    } finally {
      buffer = null;
      channel = null;
    }
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private void writeHeader() throws IOException {
    reserve(24);
    buffer.put("GGUF".getBytes(StandardCharsets.US_ASCII));
    buffer.putInt(VERSION).putLong(tensors.size()).putLong(values.size());
    for (Map.Entry<String, Object> entry : values.entrySet()) {
      putString(entry.getKey());
      reserve(4);
      buffer.putInt(valueType(entry.getKey(), entry.getValue()));
      putValue(entry.getValue());
    }
    long offsetBytes = 0;
    for (Tensor tensor : tensors) {
      putString(tensor.name);
      reserve(40);
      buffer.putInt(tensor.vector ? 1 : 2).putLong(tensor.columnCount);
      if (!tensor.vector) {
        buffer.putLong(tensor.rowCount);
      }
      buffer.putInt(tensor.type.code).putLong(offsetBytes);
      offsetBytes += aligned(tensor.lengthBytes());
    }
  }

  private void writeTensor(Tensor tensor) throws IOException {
    float[] row = new float[tensor.columnCount];
    int rowBytes = Math.toIntExact(tensor.type.rowBytes(tensor.columnCount));
    for (long r = 0; r < tensor.rowCount; r++) {
      tensor.rows.read(r, row);
      reserve(rowBytes);
      tensor.type.encode(row, buffer);
    }
  }

  private static int valueType(String key, Object value) {
    return switch (value) {
      case Integer _ -> TYPE_UINT32;
      case Float _ -> TYPE_FLOAT32;
      case Boolean _ -> TYPE_BOOL;
      case String _ -> TYPE_STRING;
      case int[] _ -> TYPE_ARRAY;
      case float[] _ -> TYPE_ARRAY;
      case String[] _ -> TYPE_ARRAY;
      default ->
          throw new IllegalArgumentException(
              key
                  + " has a value of "
                  + value.getClass().getName()
                  + ", give Integer, Float, Boolean, String or an array of them");
    };
  }

  private void putValue(Object value) throws IOException {
    switch (value) {
      case Integer number -> {
        reserve(4);
        buffer.putInt(number);
      }
      case Float number -> {
        reserve(4);
        buffer.putFloat(number);
      }
      case Boolean flag -> {
        reserve(1);
        buffer.put((byte) (flag ? 1 : 0));
      }
      case String text -> putString(text);
      case int[] numbers -> {
        putArrayHeader(TYPE_INT32, numbers.length);
        for (int number : numbers) {
          reserve(4);
          buffer.putInt(number);
        }
      }
      case float[] numbers -> {
        putArrayHeader(TYPE_FLOAT32, numbers.length);
        for (float number : numbers) {
          reserve(4);
          buffer.putFloat(number);
        }
      }
      case String[] texts -> {
        putArrayHeader(TYPE_STRING, texts.length);
        for (String text : texts) {
          putString(text);
        }
      }
      default -> throw new AssertionError(value);
    }
  }

  private void putArrayHeader(int elementType, int count) throws IOException {
    reserve(12);
    buffer.putInt(elementType).putLong(count);
  }

  private void putString(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    reserve(8 + bytes.length);
    buffer.putLong(bytes.length).put(bytes);
  }

  private void pad() throws IOException {
    reserve(ALIGNMENT_BYTES);
    long position = channel.position() + buffer.position();
    for (long p = position; p < aligned(position); p++) {
      buffer.put((byte) 0);
    }
  }

  private static long aligned(long lengthBytes) {
    return (lengthBytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
  }

  private void reserve(int lengthBytes) throws IOException {
    if (lengthBytes > BUFFER_BYTES) {
      throw new IllegalArgumentException(
          "one item of lengthBytes="
              + lengthBytes
              + " is above "
              + BUFFER_BYTES
              + ", split the tensor into more rows");
    }
    if (buffer.remaining() < lengthBytes) {
      flush();
    }
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }
}
