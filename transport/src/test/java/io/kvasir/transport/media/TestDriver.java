package io.kvasir.transport.media;

import io.aeron.Aeron;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.driver.status.SystemCounterDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.agrona.concurrent.BackoffIdleStrategy;

/** An embedded media driver in a folder of its own, gone with the test. */
public final class TestDriver implements AutoCloseable {
  private final MediaDriver driver;

  public TestDriver() {
    this(context -> {});
  }

  public TestDriver(Consumer<MediaDriver.Context> tune) {
    MediaDriver.Context context =
        new MediaDriver.Context()
            .aeronDirectoryName("/dev/shm/kvasir-test-" + UUID.randomUUID())
            .threadingMode(ThreadingMode.SHARED)
            .sharedIdleStrategy(new BackoffIdleStrategy(10, 10, 1_000, 100_000))
            .socketRcvbufLength(2 << 20)
            .socketSndbufLength(2 << 20)
            .initialWindowLength(2 << 20)
            .termBufferSparseFile(true)
            .dirDeleteOnStart(true)
            .dirDeleteOnShutdown(true);
    tune.accept(context);
    driver = MediaDriver.launchEmbedded(context);
  }

  public String folder() {
    return driver.aeronDirectoryName();
  }

  /** Makes clients whose error handler does not end the process. */
  public Supplier<Aeron> clients() {
    return clients(driver.aeronDirectoryName());
  }

  public static Supplier<Aeron> clients(String folder) {
    return () ->
        Aeron.connect(new Aeron.Context().aeronDirectoryName(folder).errorHandler(e -> {}));
  }

  /** A UDP endpoint that was free a moment ago. */
  public static String freeEndpoint() {
    try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      return "127.0.0.1:" + socket.getLocalPort();
    } catch (SocketException e) {
      throw new IllegalStateException(e);
    }
  }

  public long errorCount() {
    return driver.context().systemCounters().get(SystemCounterDescriptor.ERRORS).get();
  }

  public Path path() {
    return Path.of(folder());
  }

  /** Log files of publications and images in the folder now. */
  public long logFileCount() {
    long count = 0;
    for (String kind : List.of("images", "publications")) {
      Path path = path().resolve(kind);
      if (Files.isDirectory(path)) {
        try (Stream<Path> files = Files.list(path)) {
          count += files.count();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
    return count;
  }

  @Override
  public void close() {
    driver.close();
  }
}
