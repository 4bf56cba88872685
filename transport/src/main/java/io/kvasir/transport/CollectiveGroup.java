package io.kvasir.transport;

import java.time.Duration;
import java.util.Arrays;

/**
 * A member's view of a group: collective operations, one at a time, in the same order at all
 * members. A failed operation ends the formation; the members form the group anew with {@link
 * BlockTransport#join}. One thread at a time.
 */
public interface CollectiveGroup extends AutoCloseable {
  /** The formation. */
  GroupSpec spec();

  /**
   * Adds the members' vectors in rank order: ((v0 + v1) + v2) + …, whatever order they arrive in,
   * so that all members get the same bits. The result replaces {@code vector} when the operation is
   * done; until then the array belongs to the group.
   */
  PendingCollective allReduceSum(float[] vector, Duration deadline);

  /**
   * Sends each row to its owners. A member without rows takes part with {@code rowCount = 0}.
   *
   * @param rows {@code [rowCount][width]}, row-major; copied before this returns
   * @param owners {@code [rowCount][ownersPerRow]} ranks, -1 = none
   */
  PendingCollective dispatch(
      float[] rows,
      int rowCount,
      int width,
      int[] owners,
      int ownersPerRow,
      Received received,
      Duration deadline);

  /**
   * Sends processed rows back to where they came from and adds what comes back for each own row in
   * ascending rank of its owners.
   *
   * @param processed what {@code received} of the last dispatch held, each row replaced by its
   *     result
   * @param result {@code [rowCount][width]} of the last dispatch; overwritten
   */
  PendingCollective combine(Received processed, float[] result, Duration deadline);

  /** Leaves the group; an operation under way fails as cancelled. */
  @Override
  void close();

  /**
   * Rows that a dispatch brought, by rank of origin and within it in the origin's order. Reused
   * from operation to operation; grows to the most rows seen. Owned by the caller between
   * operations.
   */
  final class Received {
    private float[] rows = new float[0];
    private int[] origins = new int[0];
    private int[] originRows = new int[0];
    private int rowCount;
    private int width;

    /** Rows received. */
    public int rowCount() {
      return rowCount;
    }

    /** Floats in a row. */
    public int width() {
      return width;
    }

    /** {@code [rowCount][width]}; replace in place by results before {@link #combine}. */
    public float[] rows() {
      return rows;
    }

    /** Rank where a row came from. */
    public int origin(int row) {
      return origins[row];
    }

    /** Index of a row at its origin. */
    public int originRow(int row) {
      return originRows[row];
    }

    /** Empties it for rows of another width. */
    public void clear(int newWidth) {
      width = newWidth;
      rowCount = 0;
    }

    /** Makes room for one more row and returns its offset in {@link #rows}. */
    public int add(int origin, int originRow) {
      if (rowCount == origins.length) {
        int more = Math.max(16, 2 * rowCount);
        origins = Arrays.copyOf(origins, more);
        originRows = Arrays.copyOf(originRows, more);
      }
      int offset = rowCount * width;
      if (rows.length < offset + width) {
        rows = Arrays.copyOf(rows, Math.max(2 * rows.length, offset + width));
      }
      origins[rowCount] = origin;
      originRows[rowCount] = originRow;
      rowCount++;
      return offset;
    }
  }
}
