package io.kvasir.node.bench.transport;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

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
   * @param media takes the drivers' folders; deleted at the end
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
    for (Map.Entry<String, String> word : told.words().entrySet()) {
      own = own.with(word.getKey(), word.getValue());
    }
    Spec answered = sender.ask("open " + own);
    receiver.send("await " + answered.with("key", key));
    sender.send("await " + told.with("key", key));
    sender.answer("await");
    receiver.answer("await");
    return key;
  }

  private static int freePort() throws IOException {
    try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
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

  /** Nanoseconds that the sender needs to reach all its peers. */
  long setUp(String key) throws IOException {
    return Long.parseLong(sender.ask("move key=" + key + " bytes=0").text("ns"));
  }

  /** What the sender has to say. */
  Spec notes(String key) throws IOException {
    return sender.ask("notes key=" + key);
  }

  Worker sender() {
    return sender;
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

  /** Ends the processes, the hosts' drivers included, and leaves nothing. */
  @Override
  public void close() throws IOException {
    // A host's driver is meant to outlive the node that started it; these serve nobody else.
    List<ProcessHandle> hostDrivers =
        Stream.of(sender, receiver).flatMap(Worker::children).toList();
    try {
      sender.close();
      receiver.close();
      driver.close();
      Interruption.end(hostDrivers);
    } finally {
      deleteAll(media);
    }
  }

  static void deleteAll(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    List<Path> inside;
    try (Stream<Path> walk = Files.walk(folder)) {
      inside = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : inside) {
      Files.deleteIfExists(path);
    }
  }
}
