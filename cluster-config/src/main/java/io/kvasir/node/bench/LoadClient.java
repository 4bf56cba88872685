package io.kvasir.node.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Posts bodies all at once, a connection each, and reads the answers to their ends on the calling
 * thread. Client and server share the machine's cores in these benchmarks, so the client is as
 * light as one can be: no thread of its own, no parsing while tokens flow. For one thread.
 */
final class LoadClient {
  /** A stream that stands still that long is a failed run, not a slow one. */
  private static final long SILENCE_MS = 120_000;

  private final InetSocketAddress address;
  private final String path;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(64 * 1024);

  LoadClient(URI uri) {
    this.address = new InetSocketAddress(uri.getHost(), uri.getPort());
    this.path = uri.getPath();
  }

  /** The raw answers (status line, headers, chunks), in the order of the bodies. */
  List<String> post(List<String> bodies) throws IOException {
    List<Answer> answers = new ArrayList<>();
    try (Selector selector = Selector.open()) {
      try {
        for (String body : bodies) {
          answers.add(open(body, selector));
        }
        int open = answers.size();
        while (open > 0) {
          if (selector.select(SILENCE_MS) == 0) {
            throw new IOException(
                open + " of " + bodies.size() + " answers stood still for " + SILENCE_MS + " ms");
          }
          for (SelectionKey key : selector.selectedKeys()) {
            if (!read((Answer) key.attachment())) {
              key.cancel();
              open--;
            }
          }
          selector.selectedKeys().clear();
        }
      } finally {
        for (Answer answer : answers) {
          answer.channel.close();
        }
      }
    }
    return answers.stream().map(Answer::text).toList();
  }

  private Answer open(String body, Selector selector) throws IOException {
    SocketChannel channel = SocketChannel.open(address);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: "
            + address.getHostString()
            + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
            + bytes.length
            + "\r\n\r\n";
    ByteBuffer request = ByteBuffer.allocate(head.length() + bytes.length);
    request.put(head.getBytes(StandardCharsets.US_ASCII)).put(bytes).flip();
    while (request.hasRemaining()) {
      channel.write(request);
    }
    channel.configureBlocking(false);
    Answer answer = new Answer(channel);
    channel.register(selector, SelectionKey.OP_READ, answer);
    return answer;
  }

  private boolean read(Answer answer) throws IOException {
    chunk.clear();
    int count = answer.channel.read(chunk);
    if (count < 0) {
      return false;
    }
    chunk.flip();
    answer.append(chunk);
    return true;
  }

  private static final class Answer {
    private final SocketChannel channel;
    private byte[] bytes = new byte[128 * 1024];
    private int length;

    Answer(SocketChannel channel) {
      this.channel = channel;
    }

    void append(ByteBuffer from) {
      int count = from.remaining();
      if (length + count > bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + count));
      }
      from.get(bytes, length, count);
      length += count;
    }

    String text() {
      return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }
  }
}
