package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * The tokens of a vocabulary as a trie over their bytes, laid out in preorder: the children of a
 * node follow it, and {@link #skip} leads behind its subtree. Node 0 is the root. Immutable.
 */
final class TokenTrie {
  final int nodeCount;
  final byte[] label;
  final int[] skip;
  final short[] depth;

  /** Tokens that end at a node are the entries {@code from[node]} to {@code from[node + 1]}. */
  final int[] from;

  final int[] tokens;

  /** Levels below a node if all of them are {@link #isPlain}, else {@link Short#MAX_VALUE}. */
  final short[] plainHeight;

  /**
   * @param ids tokens that have bytes
   */
  TokenTrie(byte[][] bytes, int[] ids) {
    int[] sorted = sort(bytes, ids);
    int size = 1;
    for (int id : sorted) {
      size += bytes[id].length;
    }
    byte[] labels = new byte[size];
    short[] depths = new short[size];
    int[] starts = new int[size + 1];
    int count = 1;
    byte[] previous = {};
    for (int i = 0; i < sorted.length; i++) {
      byte[] token = bytes[sorted[i]];
      int shared = i == 0 ? 0 : Math.max(0, mismatch(previous, token));
      for (int d = shared; d < token.length; d++) {
        labels[count] = token[d];
        depths[count] = (short) (d + 1);
        starts[count++] = i;
      }
      starts[count] = i + 1;
      previous = token;
    }
    starts[count] = sorted.length;
    nodeCount = count;
    label = Arrays.copyOf(labels, count);
    depth = Arrays.copyOf(depths, count);
    from = Arrays.copyOf(starts, count + 1);
    tokens = sorted;
    skip = skips();
    plainHeight = plainHeights();
  }

  /** Bytes that mean nothing special in any JSON string; most tokens consist of them. */
  static boolean isPlain(int unsignedByte) {
    return unsignedByte >= ' '
        && unsignedByte < 0x7F
        && unsignedByte != '"'
        && unsignedByte != '\\';
  }

  private short[] plainHeights() {
    short[] out = new short[nodeCount];
    for (int i = nodeCount - 1; i >= 0; i--) {
      int height = 0;
      for (int child = i + 1; child < skip[i]; child = skip[child]) {
        boolean plain = isPlain(label[child] & 0xFF) && out[child] < Short.MAX_VALUE;
        height = plain ? Math.max(height, out[child] + 1) : Short.MAX_VALUE;
        if (!plain) {
          break;
        }
      }
      out[i] = (short) height;
    }
    return out;
  }

  private static int[] sort(byte[][] bytes, int[] ids) {
    Integer[] boxed = Arrays.stream(ids).boxed().toArray(Integer[]::new);
    Arrays.sort(boxed, (x, y) -> Arrays.compareUnsigned(bytes[x], bytes[y]));
    return Arrays.stream(boxed).mapToInt(Integer::intValue).toArray();
  }

  /** Length of the common start; all of {@code token} if it equals the one before. */
  private static int mismatch(byte[] previous, byte[] token) {
    int at = Arrays.mismatch(previous, token);
    return at < 0 ? token.length : at;
  }

  private int[] skips() {
    int[] out = new int[nodeCount];
    int[] open = new int[1 + maxDepth()];
    int level = 0;
    for (int i = 1; i <= nodeCount; i++) {
      int d = i == nodeCount ? 0 : depth[i];
      while (level >= d && level > 0) {
        out[open[level--]] = i;
      }
      level = d;
      if (i < nodeCount) {
        open[level] = i;
      }
    }
    out[0] = nodeCount;
    return out;
  }

  int maxDepth() {
    int max = 0;
    for (int i = 0; i < nodeCount; i++) {
      max = Math.max(max, depth[i]);
    }
    return max;
  }

  boolean hasChildren(int node) {
    return skip[node] > node + 1;
  }

  long bytes() {
    return 13L * nodeCount + 4L * tokens.length;
  }
}
