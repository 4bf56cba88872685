package io.kvasir.node.cluster;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An authoritative DNS server (RFC 1035) of one zone over UDP on the loopback interface: service
 * records (RFC 2782) of one service, with the addresses of its targets. A thread of its own.
 */
final class NameServer implements AutoCloseable {
  private static final int A = 1;
  private static final int SRV = 33;
  private static final int IN = 1;
  private static final int AUTHORITATIVE_ANSWER = 0x8400;
  private static final int NO_SUCH_NAME = 3;
  private static final int TTL_SECONDS = 5;
  private static final int HEADER = 12;

  private record Query(int id, byte[] question, String name, int type) {}

  private final DatagramSocket socket;
  private final Thread thread = new Thread(this::serve, "name-server");
  private final String service;
  private final Map<String, Integer> targets;
  private final AtomicInteger serviceQueries = new AtomicInteger();

  /**
   * Starts it.
   *
   * @param service name of the service records, as {@code _admin._tcp.kvasir.test}
   * @param targets ports by host name; every host has the address 127.0.0.1
   */
  NameServer(String service, Map<String, Integer> targets) throws IOException {
    this.service = service;
    this.targets = new LinkedHashMap<>(targets);
    this.socket = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    thread.start();
  }

  /** "address:port". */
  String address() {
    return "127.0.0.1:" + socket.getLocalPort();
  }

  /** How often the service was asked for. */
  int serviceQueries() {
    return serviceQueries.get();
  }

  private void serve() {
    byte[] buffer = new byte[512];
    while (!socket.isClosed()) {
      try {
        DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
        socket.receive(packet);
        byte[] answer = answer(read(ByteBuffer.wrap(buffer, 0, packet.getLength())));
        socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
      } catch (IOException closed) {
        if (!socket.isClosed()) {
          throw new java.io.UncheckedIOException(closed);
        }
      }
    }
  }

  private static Query read(ByteBuffer packet) {
    int id = packet.getShort(0) & 0xffff;
    packet.position(HEADER);
    StringBuilder name = new StringBuilder();
    for (int length = packet.get(); length > 0; length = packet.get()) {
      byte[] label = new byte[length];
      packet.get(label);
      name.append(name.isEmpty() ? "" : ".").append(new String(label, StandardCharsets.US_ASCII));
    }
    int type = packet.getShort() & 0xffff;
    packet.getShort();
    byte[] question = new byte[packet.position() - HEADER];
    packet.get(HEADER, question);
    return new Query(id, question, name.toString().toLowerCase(Locale.ROOT), type);
  }

  private byte[] answer(Query query) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    boolean ofService = query.name().equals(service);
    boolean ofHost = targets.containsKey(query.name());
    boolean listed = ofService && query.type() == SRV;
    int answers = listed ? targets.size() : ofHost && query.type() == A ? 1 : 0;
    out.writeShort(query.id());
    out.writeShort(AUTHORITATIVE_ANSWER | (ofService || ofHost ? 0 : NO_SUCH_NAME));
    out.writeShort(1);
    out.writeShort(answers);
    out.writeShort(0);
    out.writeShort(listed ? targets.size() : 0);
    out.write(query.question());
    if (listed) {
      serviceQueries.incrementAndGet();
      for (Map.Entry<String, Integer> target : targets.entrySet()) {
        byte[] host = name(target.getKey());
        out.write(name(service));
        record(out, SRV, 6 + host.length);
        out.writeShort(0);
        out.writeShort(1);
        out.writeShort(target.getValue());
        out.write(host);
      }
      for (String target : targets.keySet()) {
        address(out, target);
      }
    } else if (answers > 0) {
      address(out, query.name());
    }
    return bytes.toByteArray();
  }

  private static void address(DataOutputStream out, String host) throws IOException {
    out.write(name(host));
    record(out, A, 4);
    out.write(new byte[] {127, 0, 0, 1});
  }

  private static void record(DataOutputStream out, int type, int length) throws IOException {
    out.writeShort(type);
    out.writeShort(IN);
    out.writeInt(TTL_SECONDS);
    out.writeShort(length);
  }

  private static byte[] name(String dotted) {
    ByteArrayOutputStream labels = new ByteArrayOutputStream();
    for (String label : dotted.split("\\.")) {
      labels.write(label.length());
      labels.writeBytes(label.getBytes(StandardCharsets.US_ASCII));
    }
    labels.write(0);
    return labels.toByteArray();
  }

  @Override
  public void close() {
    socket.close();
    try {
      thread.join();
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }
}
