package io.kvasir.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One tensor as stored: row-major, little endian, possibly unaligned (read it with {@code
 * *_UNALIGNED} layouts). The data belongs to the {@link TensorSource} it came from and is invalid
 * after that source is closed. Safe for many readers.
 *
 * @param shape sizes from the outermost dimension inwards; {@code [out, in]} for linear weights
 * @param data exactly {@code elementCount() * dtype.widthBytes()} bytes
 */
public record TensorView(String name, DType dtype, long[] shape, MemorySegment data) {
  private static final ValueLayout.OfShort SHORT_LE =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT_LE =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int CHUNK_COUNT = 4096;

  public long elementCount() {
    return elementCount(shape);
  }

  /** Size of the outermost dimension; 1 for a scalar. */
  public long rowCount() {
    return shape.length == 0 ? 1 : shape[0];
  }

  /** Elements of one row; a vector has rows of one element. */
  public long columnCount() {
    return rowCount() == 0 ? 0 : elementCount() / rowCount();
  }

  /** The rows {@code [fromRow, toRow)} as a view of the same memory. */
  public TensorView rows(long fromRow, long toRow) {
    if (fromRow < 0 || fromRow > toRow || toRow > rowCount()) {
      throw new IndexOutOfBoundsException(
          "rows [" + fromRow + ", " + toRow + ") of " + rowCount() + " in " + name);
    }
    long rowBytes = columnCount() * dtype.widthBytes();
    long[] part = shape.clone();
    part[0] = toRow - fromRow;
    return new TensorView(
        name, dtype, part, data.asSlice(fromRow * rowBytes, (toRow - fromRow) * rowBytes));
  }

  /** The element at a flat index, widened exactly. Only for weight types. */
  public float get(long index) {
    return switch (dtype) {
      case BF16 -> BFloat16.toFloat(data.get(SHORT_LE, index * 2));
      case F16 -> Float.float16ToFloat(data.get(SHORT_LE, index * 2));
      case F32 -> data.get(FLOAT_LE, index * 4);
      default -> throw new UnsupportedOperationException(name + " is " + dtype + ", not a weight");
    };
  }

  /** Widens {@code count} elements from flat index {@code from} into {@code target}. */
  public void copyTo(long from, float[] target, int targetOffset, int count) {
    if (dtype == DType.F32) {
      MemorySegment.copy(data, FLOAT_LE, from * 4, target, targetOffset, count);
      return;
    }
    if (!dtype.isWeight()) {
      throw new UnsupportedOperationException(name + " is " + dtype + ", not a weight");
    }
    // Through a heap array: loops over it compile to vector code, loops over a segment do not.
    short[] chunk = new short[Math.min(count, CHUNK_COUNT)];
    for (int done = 0; done < count; done += chunk.length) {
      int part = Math.min(chunk.length, count - done);
      MemorySegment.copy(data, SHORT_LE, (from + done) * 2, chunk, 0, part);
      int at = targetOffset + done;
      if (dtype == DType.BF16) {
        for (int i = 0; i < part; i++) {
          target[at + i] = Float.intBitsToFloat(chunk[i] << 16);
        }
      } else {
        for (int i = 0; i < part; i++) {
          target[at + i] = Float.float16ToFloat(chunk[i]);
        }
      }
    }
  }

  /** All elements widened to float, in storage order; for tensors below 2^31 elements. */
  public float[] toFloats() {
    float[] out = new float[Math.toIntExact(elementCount())];
    copyTo(0, out, 0, out.length);
    return out;
  }

  static long elementCount(long[] shape) {
    long count = 1;
    for (long size : shape) {
      count = Math.multiplyExact(count, size);
    }
    return count;
  }

  @Override
  public String toString() {
    return name + " " + dtype + Arrays.toString(shape);
  }
}
