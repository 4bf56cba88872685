package io.kvasir.transport.agent;

import io.kvasir.transport.CollectiveGroup.Received;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.protocol.Exchange;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Rows of dispatch and combine as contributions, little endian:
 *
 * <pre>
 * int32 rowCount | int32 width | rowCount × int32 row index at its origin | rowCount × width float32
 * </pre>
 *
 * Agent only.
 */
final class RowCodec {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final int HEAD_BYTES = 8;

  private final GroupSpec spec;

  RowCodec(GroupSpec spec) {
    this.spec = spec;
  }

  void encodeDispatch(
      Exchange out, float[] rows, int rowCount, int width, int[] owners, int perRow) {
    for (int rank = 0; rank < spec.size(); rank++) {
      int count = 0;
      for (int i = 0; i < rowCount * perRow; i++) {
        count += owners[i] == rank ? 1 : 0;
      }
      UnsafeBuffer bytes = begin(out, rank, count, width);
      FloatBuffer floats = floats(out, rank);
      int at = 0;
      for (int i = 0; i < rowCount * perRow; i++) {
        if (owners[i] == rank) {
          int row = i / perRow;
          bytes.putInt(HEAD_BYTES + 4 * at, row, LE);
          floats.put(2 + count + at * width, rows, row * width, width);
          at++;
        }
      }
    }
  }

  void encodeCombine(Exchange out, Received processed) {
    int width = processed.width();
    for (int rank = 0; rank < spec.size(); rank++) {
      int count = 0;
      for (int row = 0; row < processed.rowCount(); row++) {
        count += processed.origin(row) == rank ? 1 : 0;
      }
      UnsafeBuffer bytes = begin(out, rank, count, width);
      FloatBuffer floats = floats(out, rank);
      int at = 0;
      for (int row = 0; row < processed.rowCount(); row++) {
        if (processed.origin(row) == rank) {
          bytes.putInt(HEAD_BYTES + 4 * at, processed.originRow(row), LE);
          floats.put(2 + count + at * width, processed.rows(), row * width, width);
          at++;
        }
      }
    }
  }

  private static UnsafeBuffer begin(Exchange out, int rank, int count, int width) {
    int length = Math.addExact(HEAD_BYTES + 4 * count, Math.multiplyExact(4 * count, width));
    UnsafeBuffer bytes = out.prepare(rank, length);
    bytes.putInt(0, count, LE);
    bytes.putInt(4, width, LE);
    return bytes;
  }

  private static FloatBuffer floats(Exchange out, int rank) {
    return out.preparedFloats(rank);
  }

  int decodeDispatch(Exchange in, int width, Received received) {
    received.clear(width);
    for (int rank = 0; rank < spec.size(); rank++) {
      UnsafeBuffer bytes = in.bytes(rank);
      int count = count(in, rank, width);
      if (count < 0) {
        return Refusal.MISMATCH.code();
      }
      for (int row = 0; row < count; row++) {
        int offset = received.add(rank, bytes.getInt(HEAD_BYTES + 4 * row, LE));
        in.floats(rank).get(2 + count + row * width, received.rows(), offset, width);
      }
    }
    return Verdict.DELIVERED;
  }

  int decodeCombine(Exchange in, int width, float[] result) {
    Arrays.fill(result, 0f);
    for (int rank = 0; rank < spec.size(); rank++) {
      UnsafeBuffer bytes = in.bytes(rank);
      int count = count(in, rank, width);
      if (count < 0) {
        return Refusal.MISMATCH.code();
      }
      FloatBuffer floats = in.floats(rank);
      for (int row = 0; row < count; row++) {
        int target = bytes.getInt(HEAD_BYTES + 4 * row, LE);
        if (target < 0 || (target + 1L) * width > result.length) {
          return Refusal.MISMATCH.code();
        }
        for (int column = 0; column < width; column++) {
          result[target * width + column] += floats.get(2 + count + row * width + column);
        }
      }
    }
    return Verdict.DELIVERED;
  }

  /** Rows in a rank's contribution, or -1 if it is not what it says. */
  private static int count(Exchange in, int rank, int width) {
    int length = in.lengthBytes(rank);
    if (length < HEAD_BYTES) {
      return -1;
    }
    int count = in.bytes(rank).getInt(0, LE);
    int theirs = in.bytes(rank).getInt(4, LE);
    boolean sound =
        count >= 0
            && (count == 0 || theirs == width)
            && length == HEAD_BYTES + 4L * count + 4L * count * theirs;
    return sound ? count : -1;
  }
}
