package io.kvasir.transport.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Ports that a test may use: free for TCP and UDP on the loopback, and given to nobody else who
 * asks here, in any JVM, while this one lives (a locked file a port). They lie below the range from
 * which the kernel hands out ports by itself, so nobody gets one by chance between the look and the
 * use. Any thread.
 */
public final class FreePorts {
  private static final int FIRST = 20_000;
  private static final int LAST = 29_999;
  private static final Path FOLDER =
      Path.of(System.getProperty("java.io.tmpdir"), "kvasir-ports-" + user());

  /** Closing any channel of a locked file would drop the lock: each file is opened once. */
  private static final Map<Integer, FileChannel> HELD = new HashMap<>();

  private static int next = FIRST + (int) (ProcessHandle.current().pid() * 37 % (LAST - FIRST));

  private FreePorts() {}

  private static String user() {
    return System.getProperty("user.name");
  }

  /** The first port from {@code first} on that {@link #next} would give. */
  static synchronized int from(int first) {
    next = first;
    return next();
  }

  /** A port, reserved for this JVM until it ends. */
  public static synchronized int next() {
    for (int tried = FIRST; tried <= LAST; tried++) {
      int port = next;
      next = next == LAST ? FIRST : next + 1;
      if (!HELD.containsKey(port) && reserve(port) && isFree(port)) {
        return port;
      }
    }
    throw new IllegalStateException(
        "no port between " + FIRST + " and " + LAST + " is free, end what holds them");
  }

  private static boolean reserve(int port) {
    try {
      Files.createDirectories(FOLDER);
      FileChannel channel =
          FileChannel.open(
              FOLDER.resolve(Integer.toString(port)),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        channel.close();
        return false;
      }
      HELD.put(port, channel);
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isFree(int port) {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    try (ServerSocket tcp = new ServerSocket();
        DatagramSocket udp = new DatagramSocket(null)) {
      tcp.bind(address);
      udp.bind(address);
      return true;
    } catch (BindException taken) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
