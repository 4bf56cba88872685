package io.kvasir.node.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.GenerationRequest;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What a stream of server-sent events costs on this machine with next to nothing around it: one
 * thread, one selector, one socket write a token, no actors, no streams, no limits, no decoding of
 * tokens. Answers completions for the bench's own client, token ids instead of text. What remains
 * between this and the engine alone is the price of sockets and of the client. Not a strict floor:
 * it wakes at the first token of a step, while the engine still hands over the others; the gateway
 * wakes after the last.
 */
final class HttpFloor implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Far from the ids of the node and of {@link EngineDriver}. */
  private static final long FIRST_ID = 1L << 41;

  private static final int MAX_REQUEST_BYTES = 1 << 16;
  private static final String HEAD_END = "\r\n\r\n";
  private static final String LENGTH = "Content-Length: ";
  private static final byte[] ANSWER_HEAD =
      ascii(
          "HTTP/1.1 200 OK\r\n"
              + "Content-Type: text/event-stream\r\n"
              + "Transfer-Encoding: chunked\r\n\r\n");

  // As long as the gateway's own events.
  private static final byte[] BEFORE =
      ascii(
          "data: {\"id\":\"cmpl-0123456789abcdef01234567\",\"object\":\"text_completion\","
              + "\"created\":1763900000,\"model\":\"dummy:bench-150m\",\"choices\":[{\"index\":0,"
              + "\"text\":\"");
  private static final byte[] AFTER =
      ascii("\",\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n");

  private final GenerationEngine engine;
  private final Selector selector;
  private final ServerSocketChannel server;
  private final AtomicBoolean news = new AtomicBoolean();
  private final List<Connection> connections = new ArrayList<>();
  private final ByteBuffer out = ByteBuffer.allocateDirect(4096);
  private final Thread thread;
  private volatile boolean closed;
  private long nextId = FIRST_ID;

  HttpFloor(GenerationEngine engine) throws IOException {
    this.engine = engine;
    selector = Selector.open();
    server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    server.configureBlocking(false);
    server.register(selector, SelectionKey.OP_ACCEPT);
    thread = Thread.ofPlatform().daemon().name("http-floor").start(this::run);
  }

  URI url() throws IOException {
    InetSocketAddress address = (InetSocketAddress) server.getLocalAddress();
    return URI.create("http://127.0.0.1:" + address.getPort() + "/v1/completions");
  }

  private void run() {
    try {
      while (!closed) {
        selector.select();
        for (SelectionKey key : selector.selectedKeys()) {
          if (key.isAcceptable()) {
            accept();
          } else if (key.isReadable()) {
            read(key, (Connection) key.attachment());
          }
        }
        selector.selectedKeys().clear();
        // Before looking: what is published from here on wakes the selector again.
        if (news.getAndSet(false)) {
          writeAll();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() throws IOException {
    SocketChannel channel = server.accept();
    if (channel != null) {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_READ, new Connection(channel));
    }
  }

  private void read(SelectionKey key, Connection connection) throws IOException {
    int count = connection.channel.read(connection.request);
    if (count < 0) {
      key.cancel();
      connection.channel.close();
      return;
    }
    String text =
        new String(
            connection.request.array(), 0, connection.request.position(), StandardCharsets.UTF_8);
    int head = text.indexOf(HEAD_END);
    int length = text.indexOf(LENGTH);
    if (!connection.request.hasRemaining()) {
      throw new IOException(
          "a request of more than " + MAX_REQUEST_BYTES + " bytes, shorten the bench's prompts");
    }
    if (head < 0 || length < 0) {
      return;
    }
    int from = length + LENGTH.length();
    int body = Integer.parseInt(text.substring(from, text.indexOf('\r', from)));
    if (text.length() - head - HEAD_END.length() >= body) {
      submit(connection, text.substring(head + HEAD_END.length()));
    }
  }

  private void submit(Connection connection, String body) throws IOException {
    JsonNode request = JSON.readTree(body);
    int[] prompt = new int[request.get("prompt").size()];
    Arrays.setAll(prompt, i -> request.get("prompt").get(i).asInt());
    int max = request.get("max_tokens").asInt();
    connection.request.clear();
    connection.taken = 0;
    connection.stream = new TokenStream(max, 0, this::wake);
    connections.add(connection);
    SamplingParameters sampling = SamplingParameters.greedy(max, List.of());
    GenerationEngine.Refusal refusal =
        engine.submit(
            new GenerationRequest(
                nextId++, "floor", prompt, sampling, 0, List.of(), connection.stream));
    if (refusal != null) {
      throw new IOException("the engine refused: " + refusal.message());
    }
    out.clear().put(ANSWER_HEAD);
    send(connection);
  }

  /** Engine thread. */
  private void wake() {
    if (news.compareAndSet(false, true)) {
      selector.wakeup();
    }
  }

  private void writeAll() throws IOException {
    for (Iterator<Connection> each = connections.iterator(); each.hasNext(); ) {
      Connection connection = each.next();
      FinishReason end = connection.stream.finishReason();
      for (int published = connection.stream.published();
          connection.taken < published;
          published = connection.stream.published()) {
        event(ascii(Integer.toString(connection.stream.token(connection.taken++))));
        send(connection);
        connection.stream.consumedUpTo(connection.taken);
      }
      if (end != null) {
        chunk(ascii("data: {\"usage\":{\"completion_tokens\":" + connection.taken + "}}\n\n"));
        out.put(ascii("0\r\n\r\n"));
        send(connection);
        connection.channel.close();
        each.remove();
      }
    }
  }

  private void event(byte[] text) {
    byte[] event = Arrays.copyOf(BEFORE, BEFORE.length + text.length + AFTER.length);
    System.arraycopy(text, 0, event, BEFORE.length, text.length);
    System.arraycopy(AFTER, 0, event, BEFORE.length + text.length, AFTER.length);
    chunk(event);
  }

  private void chunk(byte[] bytes) {
    out.clear().put(ascii(Integer.toHexString(bytes.length))).put((byte) '\r').put((byte) '\n');
    out.put(bytes).put((byte) '\r').put((byte) '\n');
  }

  private void send(Connection connection) throws IOException {
    out.flip();
    while (out.hasRemaining()) {
      connection.channel.write(out);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public void close() throws IOException {
    closed = true;
    selector.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.close();
    selector.close();
  }

  private static final class Connection {
    private final SocketChannel channel;
    private final ByteBuffer request = ByteBuffer.allocate(MAX_REQUEST_BYTES);
    private TokenStream stream;
    private int taken;

    Connection(SocketChannel channel) {
      this.channel = channel;
    }
  }
}
