package io.kvasir.node.bench.transport;

/**
 * What carries the bytes.
 *
 * @param name of its rows
 * @param uri Aeron's word for it
 * @param mtu largest frame, header included
 * @param bytes moved in a run: some tenths of a second
 */
public record Medium(String name, String uri, int mtu, long bytes) {
  public static final Medium IPC = new Medium("IPC", "ipc", 65504, 1L << 30);
  public static final Medium UDP_64K = new Medium("UDP 65504", "udp", 65504, 512L << 20);
  public static final Medium UDP_8K = new Medium("UDP 8192", "udp", 8192, 256L << 20);
  public static final Medium UDP_1K = new Medium("UDP 1408", "udp", 1408, 64L << 20);
}
