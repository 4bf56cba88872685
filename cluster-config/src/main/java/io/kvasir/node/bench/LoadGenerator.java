package io.kvasir.node.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Loads a node over HTTP from the calling thread alone: it shares the machine with the node, so it
 * does no more than the arithmetic of its figures needs. Kept-alive connections, streamed
 * completions.
 */
final class LoadGenerator implements AutoCloseable {
  private static final long TICK_MS = 50;

  /** When requests are sent. */
  sealed interface Arrivals {
    /** So many clients, each sending its next request when it has its answer. */
    record Closed(int clients) implements Arrivals {}

    /** Independent of what comes back: exponential pauses, over at most so many connections. */
    record Poisson(double perSecond, int connections) implements Arrivals {}
  }

  private final InetSocketAddress address;
  private final String model;
  private final ServingMix mix;
  private final LongSupplier generatedTokens;
  private final Selector selector = Selector.open();
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(64 * 1024);
  private final List<LoadConnection> open = new ArrayList<>();
  private final Deque<LoadConnection> idle = new ArrayDeque<>();
  private long nextRequest;
  private long runs;
  private LoadFigures figures;
  private boolean measuring;
  private boolean ending;

  /**
   * @param generatedTokens the engine's counter
   */
  LoadGenerator(URI url, String model, ServingMix mix, LongSupplier generatedTokens)
      throws IOException {
    this.address = new InetSocketAddress(url.getHost(), url.getPort());
    this.model = model;
    this.mix = mix;
    this.generatedTokens = generatedTokens;
  }

  /**
   * Loads for a ramp, whose figures are thrown away, and a window; then hangs up on what is still
   * unanswered.
   *
   * @param everyTick called some twenty times a second
   */
  LoadFigures run(Arrivals arrivals, double rampSeconds, double windowSeconds, Runnable everyTick)
      throws IOException {
    figures = new LoadFigures();
    measuring = false;
    ending = false;
    nextRequest = 0;
    runs++;
    long startNs = System.nanoTime();
    long windowNs = startNs + (long) (rampSeconds * 1e9);
    long endNs = windowNs + (long) (windowSeconds * 1e9);
    SplittableRandom pauses = new SplittableRandom(mix.seed());
    long dueNs = arrivals instanceof Arrivals.Poisson ? startNs : Long.MAX_VALUE;
    if (arrivals instanceof Arrivals.Closed closed) {
      for (int c = 0; c < closed.clients(); c++) {
        send(connect());
      }
    }
    long tokensBefore = 0;
    long cpuBeforeNs = 0;
    long tickNs = startNs;
    long now = startNs;
    while (now < endNs) {
      while (arrivals instanceof Arrivals.Poisson poisson && dueNs <= now) {
        arrive(poisson.connections());
        dueNs += (long) (-Math.log(1 - pauses.nextDouble()) * 1e9 / poisson.perSecond());
      }
      if (now >= tickNs) {
        tickNs = now + TimeUnit.MILLISECONDS.toNanos(TICK_MS);
        everyTick.run();
      }
      long waitMs = (Math.min(Math.min(dueNs, tickNs), endNs) - now) / 1_000_000;
      await(waitMs, arrivals instanceof Arrivals.Closed);
      now = System.nanoTime();
      if (!measuring && now >= windowNs) {
        measuring = true;
        windowNs = now;
        tokensBefore = generatedTokens.getAsLong();
        cpuBeforeNs = BenchEnvironment.processCpuNs();
      }
    }
    figures.tokens = generatedTokens.getAsLong() - tokensBefore;
    figures.seconds = (System.nanoTime() - windowNs) / 1e9;
    figures.coresUsed = (BenchEnvironment.processCpuNs() - cpuBeforeNs) / 1e9 / figures.seconds;
    return figures;
  }

  /** Ends each connection, busy or not; the node cancels what it was working on. */
  void hangUp() throws IOException {
    for (LoadConnection connection : open) {
      connection.close();
    }
    selector.selectNow();
    open.clear();
    idle.clear();
  }

  /**
   * Answers one request on each of so many connections and keeps them open.
   *
   * @return how many are open then
   */
  int settle(int connections) throws IOException {
    figures = new LoadFigures();
    measuring = false;
    ending = true;
    nextRequest = 0;
    runs++;
    for (int c = 0; c < connections; c++) {
      send(connect());
    }
    while (idle.size() < open.size()) {
      await(TICK_MS, false);
    }
    return open.size();
  }

  private void arrive(int connections) throws IOException {
    LoadConnection free = idle.poll();
    if (free == null && open.size() >= connections) {
      figures.unsent += measuring ? 1 : 0;
      return;
    }
    send(free == null ? connect() : free);
  }

  private LoadConnection connect() throws IOException {
    LoadConnection connection = new LoadConnection(address, selector);
    open.add(connection);
    return connection;
  }

  private void send(LoadConnection connection) throws IOException {
    long index = nextRequest++;
    connection.send(request(index), mix.lengths(index).answer());
  }

  private ByteBuffer request(long index) {
    int tokens = mix.lengths(index).answer();
    String body =
        "{\"model\":\"%s\",\"prompt\":%s,\"max_tokens\":%d,\"min_tokens\":%d,\"temperature\":0,"
                .formatted(model, Arrays.toString(mix.prompt(index, runs)), tokens, tokens)
            + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
    String head =
        "POST /v1/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                .formatted(address.getHostString())
            + "Content-Length: "
            + body.length()
            + "\r\n\r\n";
    return ByteBuffer.wrap((head + body).getBytes(StandardCharsets.US_ASCII));
  }

  private void await(long waitMs, boolean again) throws IOException {
    if (waitMs > 0) {
      selector.select(waitMs);
    } else {
      selector.selectNow();
    }
    for (SelectionKey key : selector.selectedKeys()) {
      LoadConnection connection = (LoadConnection) key.attachment();
      switch (connection.read(chunk)) {
        case NOTHING -> {}
        case TEXT -> text(connection);
        case ANSWERED -> answered(connection, again);
        case GONE -> gone(connection);
      }
    }
    selector.selectedKeys().clear();
  }

  private void text(LoadConnection connection) {
    long now = System.nanoTime();
    if (connection.firstNs == 0) {
      connection.firstNs = now;
    } else if (measuring) {
      figures.gapMs.add((now - connection.lastNs) / 1e6);
    }
    connection.lastNs = now;
  }

  private void answered(LoadConnection connection, boolean again) throws IOException {
    long now = System.nanoTime();
    connection.busy = false;
    if (measuring) {
      record(connection, now);
    }
    if (again && !ending) {
      send(connection);
    } else {
      idle.push(connection);
    }
  }

  private void record(LoadConnection connection, long now) {
    double totalMs = (now - connection.sentNs) / 1e6;
    if (connection.status == 429) {
      figures.refusedMs.add(totalMs);
    } else if (connection.status == 200
        && connection.answeredTokens() == connection.expectedTokens) {
      long firstNs = connection.firstNs == 0 ? now : connection.firstNs;
      figures.firstTokenMs.add((firstNs - connection.sentNs) / 1e6);
      figures.totalMs.add(totalMs);
    } else {
      figures.broken++;
    }
  }

  private void gone(LoadConnection connection) throws IOException {
    figures.broken += connection.busy ? 1 : 0;
    connection.close();
    open.remove(connection);
    idle.remove(connection);
  }

  @Override
  public void close() throws IOException {
    hangUp();
    selector.close();
  }
}
