package io.kvasir.actors.gateway;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;

/** A client that sends what it likes. */
final class RawHttp implements AutoCloseable {
  final Socket socket;

  RawHttp(TestNode node) throws IOException {
    socket = new Socket();
    socket.connect(new InetSocketAddress("127.0.0.1", node.server.address().getPort()));
    socket.setSoTimeout(20_000);
    socket.setTcpNoDelay(true);
  }

  RawHttp send(String bytes) throws IOException {
    return send(bytes.getBytes(StandardCharsets.ISO_8859_1));
  }

  RawHttp send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    return this;
  }

  RawHttp post(String path, String headers, byte[] body) throws IOException {
    send(
        "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n"
            .formatted(path, headers, body.length));
    return send(body);
  }

  /** Head and body of the next response, which has a length. */
  String response() throws IOException {
    InputStream in = socket.getInputStream();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int head = -1;
    while (head < 0 || bytes.size() < head + length(bytes.toString(StandardCharsets.UTF_8))) {
      int next = in.read();
      if (next < 0) {
        break;
      }
      bytes.write(next);
      if (head < 0 && bytes.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
        head = bytes.size();
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static int length(String response) {
    String name = "content-length: ";
    int at = response.toLowerCase(java.util.Locale.ROOT).indexOf(name);
    return at < 0
        ? 0
        : Integer.parseInt(
            response.substring(at + name.length(), response.indexOf('\r', at)).strip());
  }

  /** All until the node closes; a reset counts as that. */
  String untilClosed() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      socket.getInputStream().transferTo(bytes);
    } catch (SocketException reset) {
      // What came before it counts.
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
