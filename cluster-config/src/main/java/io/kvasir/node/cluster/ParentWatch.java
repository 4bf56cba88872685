package io.kvasir.node.cluster;

import java.io.IOException;
import java.io.InputStream;

/** Tells a node when its launcher is gone: the pipe that only the launcher holds has ended. */
final class ParentWatch {
  private ParentWatch() {}

  static void start(InputStream pipe, Runnable onEnd) {
    Thread.ofPlatform()
        .daemon()
        .name("launcher-watch")
        .start(
            () -> {
              try {
                while (pipe.read() >= 0) {
                  // What a launcher writes has no meaning.
                }
              } catch (IOException broken) {
                // The same as its end.
              }
              onEnd.run();
            });
  }
}
