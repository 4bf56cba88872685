package io.kvasir.transport.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this machine grants. Immutable; tests make their own.
 *
 * @param folder under which drivers keep their logs
 * @param freeBytes of its file system
 * @param promisedBytes of these, what other live drivers may still fill: their files are sparse, so
 *     free space shrinks only as they are used
 * @param receiveBufferBytes largest SO_RCVBUF (net.core.rmem_max)
 * @param sendBufferBytes largest SO_SNDBUF (net.core.wmem_max)
 */
public record HostLimits(
    Path folder, long freeBytes, long promisedBytes, int receiveBufferBytes, int sendBufferBytes) {

  /**
   * Asks the file system of {@code folder} and the kernel.
   *
   * @param folder need not exist
   * @param promisedBytes of that file system, to live drivers
   */
  public static HostLimits read(Path folder, long promisedBytes) {
    Path existing = folder.toAbsolutePath();
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    try (DatagramChannel probe = DatagramChannel.open()) {
      FileStore store = Files.getFileStore(existing);
      // The limits themselves are hidden from many containers; the kernel tells by cutting.
      probe.setOption(StandardSocketOptions.SO_RCVBUF, Integer.MAX_VALUE / 2);
      probe.setOption(StandardSocketOptions.SO_SNDBUF, Integer.MAX_VALUE / 2);
      return new HostLimits(
          folder,
          store.getUsableSpace(),
          promisedBytes,
          probe.getOption(StandardSocketOptions.SO_RCVBUF),
          probe.getOption(StandardSocketOptions.SO_SNDBUF));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Free and promised to nobody. */
  public long availableBytes() {
    return Math.max(0, freeBytes - promisedBytes);
  }
}
