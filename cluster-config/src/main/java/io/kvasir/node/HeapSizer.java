package io.kvasir.node;

import io.kvasir.runtime.checkpoint.WeightEstimate;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * Prints the heap, in MiB, that models need: packed weights lie on the heap, so the launcher must
 * know before it starts the JVM. {@code HeapSizer DTYPE LOCATION...}; what cannot be read counts
 * for nothing, and the node says what is wrong.
 */
final class HeapSizer {
  /** Node, libraries, request bodies and room for collections. */
  static final long BASE_MIB = 384;

  private HeapSizer() {}

  /** Never fails: the node itself has the better sentence. */
  public static void main(String[] args) {
    System.out.println(heapMib(args[0], Arrays.asList(args).subList(1, args.length)));
  }

  static long heapMib(String dtype, List<String> locations) {
    long mib = BASE_MIB;
    for (String location : locations) {
      try {
        // A tenth for what is packed twice for a moment, and for regions that arrays do not fill.
        mib += WeightEstimate.of(location, dtype).weightBytes() * 11 / 10 >> 20;
      } catch (IOException | RuntimeException unreadable) {
        continue;
      }
    }
    return mib;
  }
}
