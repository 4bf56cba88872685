package io.kvasir.node.bench.transport;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Sender, receiver and driver processes, and what is done with both ends at once. Loads stay open
 * until {@link #close(String)}, so that runs of several ways can alternate. One thread.
 */
final class Pair implements AutoCloseable {
  private final Worker sender;
  private final Worker receiver;
  private final Worker driver;
  private final Path media;
  private final Deque<String> drivers = new ArrayDeque<>();
  private int opened;

  /**
   * @param logs takes the processes' logs
   * @param media folder on a tmpfs for the drivers
   */
  Pair(Path logs, Path media) throws IOException {
    this.media = media;
    sender = new Worker(Load.Role.SENDER, logs.resolve("sender.log"));
    receiver = new Worker(Load.Role.RECEIVER, logs.resolve("receiver.log"));
    driver = new Worker(Load.Role.DRIVER, logs.resolve("driver.log"));
  }

  /**
   * Opens both ends.
   *
   * @return the key by which the other methods know it
   */
  String open(Spec spec) throws IOException {
    String key = "load" + opened++;
    Spec own =
        spec.with("key", key)
            .with("folder", media.resolve(key))
            .with("port", freePort())
            .with("port-back", freePort());
    if (spec.words().getOrDefault("drivers", "").equals("one")) {
      driver.ask("open " + own.with("way", "driver"));
      drivers.add(key);
    }
    Spec told = receiver.ask("open " + own);
    for (var word : told.words().entrySet()) {
      own = own.with(word.getKey(), word.getValue());
    }
    sender.ask("open " + own);
    both("await key=" + key);
    return key;
  }

  private static int freePort() throws IOException {
    try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private void both(String command) throws IOException {
    receiver.send(command);
    sender.send(command);
    sender.answer(command);
    receiver.answer(command);
  }

  /** Moves bytes once; gigabytes per second. */
  double move(String key, long bytes) throws IOException {
    String command = "move key=" + key + " bytes=" + bytes;
    receiver.send(command);
    sender.send(command);
    long startNs = Long.parseLong(sender.answer(command).text("ns"));
    long endNs = Long.parseLong(receiver.answer(command).text("ns"));
    return (double) bytes / (endNs - startNs);
  }

  /** Whether the last run left the receiver's region equal to the sender's. */
  boolean isEqual() throws IOException {
    return sender.ask("crc").text("crc").equals(receiver.ask("crc").text("crc"));
  }

  /**
   * Exchanges messages.
   *
   * @return what the sender saw: p50 and p99 in nanoseconds
   */
  Spec exchange(String key, int bytes, int rounds) throws IOException {
    String command = "exchange key=" + key + " bytes=" + bytes + " rounds=" + rounds;
    receiver.send(command);
    sender.send(command);
    Spec answer = sender.answer(command);
    receiver.answer(command);
    return answer;
  }

  Worker sender() {
    return sender;
  }

  Worker receiver() {
    return receiver;
  }

  void close(String key) throws IOException {
    sender.ask("close key=" + key);
    receiver.ask("close key=" + key);
    if (drivers.remove(key)) {
      driver.ask("close key=" + key);
    }
  }

  /** A folder for drivers, on a tmpfs where there is one. */
  static Path mediaFolder() throws IOException {
    Path shared = Path.of("/dev/shm");
    return Files.isDirectory(shared)
        ? Files.createTempDirectory(shared, "kvasir-bench-")
        : Files.createTempDirectory("kvasir-bench-");
  }

  @Override
  public void close() {
    sender.close();
    receiver.close();
    driver.close();
  }
}
