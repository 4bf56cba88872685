package io.kvasir.transport.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Held while a driver is looked for, started or ended, so that of two launchers one starts and the
 * other finds. The kernel frees it when its holder dies. Excludes processes and threads.
 */
final class HostLock implements AutoCloseable {
  private static final String NAME = "launch.lock";
  private static final long POLL_NS = TimeUnit.MILLISECONDS.toNanos(5);
  private static boolean heldInThisJvm;
  private final FileChannel channel;

  private HostLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits for it.
   *
   * @return null when somebody else held it all the time
   */
  static HostLock acquire(Path base, Duration bound) {
    long startNs = System.nanoTime();
    while (true) {
      HostLock lock = tryOnce(base);
      if (lock != null || System.nanoTime() - startNs >= bound.toNanos()) {
        return lock;
      }
      LockSupport.parkNanos(POLL_NS);
      if (Thread.currentThread().isInterrupted()) {
        return null;
      }
    }
  }

  /**
   * One try. Within a JVM only one thread opens the file at a time: closing another channel of it
   * would drop the lock.
   */
  private static synchronized HostLock tryOnce(Path base) {
    if (heldInThisJvm) {
      return null;
    }
    try {
      FileChannel channel =
          FileChannel.open(base.resolve(NAME), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = null;
      try {
        lock = channel.tryLock();
      } finally {
        if (lock == null) {
          channel.close();
        }
      }
      if (lock == null) {
        return null;
      }
      heldInThisJvm = true;
      return new HostLock(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    synchronized (HostLock.class) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        heldInThisJvm = false;
      }
    }
  }
}
