package io.kvasir.node.bench.transport;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Plain blocking NIO over the loopback, region to region without a copy of our own. */
final class TcpLoad implements Load {
  private final Role role;
  private final ByteBuffer region;
  private final Spec spec;
  private ServerSocketChannel server;
  private SocketChannel socket;

  TcpLoad(Role role, ByteBuffer region, Spec spec) {
    this.role = role;
    this.region = region.duplicate();
    this.spec = spec;
  }

  @Override
  public String open() throws IOException {
    if (role == Role.RECEIVER) {
      server = ServerSocketChannel.open();
      server.setOption(StandardSocketOptions.SO_RCVBUF, spec.number("buffer"));
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      return "port=" + server.socket().getLocalPort();
    }
    socket = SocketChannel.open();
    socket.setOption(StandardSocketOptions.SO_SNDBUF, spec.number("buffer"));
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), spec.number("port")));
    return "";
  }

  @Override
  public void awaitPeer(Spec other) throws IOException {
    if (role == Role.RECEIVER) {
      socket = server.accept();
    }
  }

  @Override
  public long move(long bytes) throws IOException {
    long startNs = System.nanoTime();
    int chunk = spec.number("chunk");
    region.clear();
    for (long left = bytes; left > 0; ) {
      if (region.position() == Regions.BYTES) {
        region.position(0);
      }
      int most = (int) Math.min(Math.min(chunk, left), Regions.BYTES - region.position());
      region.limit(region.position() + most);
      int moved = role == Role.SENDER ? socket.write(region) : socket.read(region);
      if (moved < 0) {
        throw new EOFException("the other end has closed");
      }
      region.limit(Regions.BYTES);
      left -= moved;
    }
    return role == Role.SENDER ? startNs : System.nanoTime();
  }

  @Override
  public void close() throws IOException {
    if (socket != null) {
      socket.close();
    }
    if (server != null) {
      server.close();
    }
  }
}
