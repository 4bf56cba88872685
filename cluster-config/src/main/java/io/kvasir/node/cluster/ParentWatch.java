package io.kvasir.node.cluster;

import java.io.IOException;
import java.io.InputStream;

/**
 * What a node hears of its launcher, over a pipe that only the launcher holds: that it is gone,
 * when the pipe ends, or before it that the whole cluster ends with this node. Thread-safe.
 */
final class ParentWatch {
  /** A launcher writes it, before its signal, to nodes that all end together. */
  static final int ALL_END = 'A';

  private volatile boolean allEnd;

  /**
   * @param onEnd runs on a thread of this watch when the pipe ends
   */
  static ParentWatch start(InputStream pipe, Runnable onEnd) {
    ParentWatch watch = new ParentWatch();
    Thread.ofPlatform().daemon().name("launcher-watch").start(() -> watch.read(pipe, onEnd));
    return watch;
  }

  private void read(InputStream pipe, Runnable onEnd) {
    try {
      for (int word = pipe.read(); word >= 0; word = pipe.read()) {
        allEnd |= word == ALL_END;
      }
    } catch (IOException broken) {
      // The same as its end.
    }
    onEnd.run();
  }

  /** Whether nobody stays behind to whom this node could leave anything. */
  boolean allEnd() {
    return allEnd;
  }
}
