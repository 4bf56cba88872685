package io.kvasir.node.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * One kept-alive connection of a load: sends a request, watches its answer go by without parsing
 * more than its ends, and is free for the next. For the load's one thread.
 */
final class LoadConnection {
  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] HEAD_END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] LAST_CHUNK = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final String LENGTH = "content-length: ";
  private static final String TOKENS = "\"completion_tokens\":";

  /** The usage of an answer lies in its last bytes. */
  private static final int TAIL_BYTES = 2048;

  private final SocketChannel channel;
  private final SelectionKey key;
  private final byte[] tail = new byte[2 * TAIL_BYTES];
  private int tailLength;
  private boolean inBody;
  private long bodyLeft;

  /** Of the request in progress; 0 = not yet. */
  long sentNs;

  long firstNs;
  long lastNs;
  int status;
  int expectedTokens;
  boolean busy;

  LoadConnection(InetSocketAddress address, Selector selector) throws IOException {
    channel = SocketChannel.open(address);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    key = channel.register(selector, SelectionKey.OP_READ, this);
  }

  /** Sends a request whole: it fits the socket's buffer. */
  void send(ByteBuffer request, int tokens) throws IOException {
    tailLength = 0;
    inBody = false;
    bodyLeft = -1;
    status = 0;
    firstNs = 0;
    expectedTokens = tokens;
    busy = true;
    sentNs = System.nanoTime();
    lastNs = 0;
    while (request.hasRemaining()) {
      channel.write(request);
    }
  }

  /** What a read brought. */
  enum Event {
    NOTHING,
    TEXT,
    ANSWERED,
    GONE
  }

  Event read(ByteBuffer chunk) throws IOException {
    chunk.clear();
    if (!inBody) {
      // A head must fit the tail; what follows it waits for the next read.
      chunk.limit(Math.min(chunk.capacity(), TAIL_BYTES));
    }
    int count;
    try {
      count = channel.read(chunk);
    } catch (IOException reset) {
      return Event.GONE;
    }
    if (count <= 0) {
      return count < 0 ? Event.GONE : Event.NOTHING;
    }
    chunk.flip();
    keep(chunk);
    if (!inBody && !head()) {
      return Event.NOTHING;
    }
    if (bodyLeft >= 0) {
      return tailLength >= bodyLeft ? Event.ANSWERED : Event.NOTHING;
    }
    if (endsWith(LAST_CHUNK)) {
      return Event.ANSWERED;
    }
    int from = Math.max(0, tailLength - count - DATA.length);
    return indexOf(DATA, from) >= 0 ? Event.TEXT : Event.NOTHING;
  }

  /** Appends to the tail, and lets go of what is too old. */
  private void keep(ByteBuffer chunk) {
    // Of a long read only the end can matter.
    chunk.position(chunk.position() + Math.max(0, chunk.remaining() - TAIL_BYTES));
    int count = chunk.remaining();
    if (tailLength + count > tail.length) {
      int kept = Math.min(tailLength, tail.length - count);
      System.arraycopy(tail, tailLength - kept, tail, 0, kept);
      tailLength = kept;
    }
    chunk.get(tail, tailLength, count);
    tailLength += count;
  }

  /** Takes the head off the tail when it is complete. */
  private boolean head() {
    int end = indexOf(HEAD_END, 0);
    if (end < 0) {
      return false;
    }
    String head = new String(tail, 0, end, StandardCharsets.US_ASCII);
    status = Integer.parseInt(head.substring(9, 12));
    int at = head.toLowerCase(java.util.Locale.ROOT).indexOf(LENGTH);
    if (at >= 0) {
      int from = at + LENGTH.length();
      int to = head.indexOf('\r', from);
      bodyLeft = Long.parseLong(head.substring(from, to < 0 ? head.length() : to).strip());
    }
    // The line break before the first chunk stays: an empty body ends like any other.
    int body = bodyLeft >= 0 ? end + HEAD_END.length : end + 2;
    System.arraycopy(tail, body, tail, 0, tailLength - body);
    tailLength -= body;
    inBody = true;
    return true;
  }

  private int indexOf(byte[] what, int from) {
    for (int i = from; i + what.length <= tailLength; i++) {
      if (matches(what, i)) {
        return i;
      }
    }
    return -1;
  }

  private boolean endsWith(byte[] what) {
    return tailLength >= what.length && matches(what, tailLength - what.length);
  }

  private boolean matches(byte[] what, int at) {
    for (int i = 0; i < what.length; i++) {
      if (tail[at + i] != what[i]) {
        return false;
      }
    }
    return true;
  }

  /** The answer's tokens as its usage says; −1 when it ended without. */
  int answeredTokens() {
    String text = new String(tail, 0, tailLength, StandardCharsets.UTF_8);
    int at = text.indexOf(TOKENS);
    if (at < 0) {
      return -1;
    }
    int from = at + TOKENS.length();
    int to = from;
    while (to < text.length() && Character.isDigit(text.charAt(to))) {
      to++;
    }
    return Integer.parseInt(text.substring(from, to));
  }

  void close() throws IOException {
    key.cancel();
    channel.close();
  }
}
