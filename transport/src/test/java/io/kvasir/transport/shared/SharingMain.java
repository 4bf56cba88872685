package io.kvasir.transport.shared;

import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.Region;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.MemoryHub;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/** A node that shares one region until it is ended: base folder, node, incarnation. */
final class SharingMain {
  static final int SLOT_BYTES = 4096;
  static final byte CONTENT = 42;

  private SharingMain() {}

  public static void main(String[] arguments) throws IOException {
    long node = Long.parseLong(arguments[1]);
    long incarnation = Long.parseLong(arguments[2]);
    try (Arena arena = Arena.ofShared();
        SharedFolder folder =
            SharedFolder.open(Path.of(arguments[0]), node, incarnation, () -> 1L << 30);
        BlockTransport transport =
            Transports.start(
                TransportConfig.of(node, incarnation),
                counters -> new MemoryHub().medium(),
                (peer, key) -> null,
                BlockSink.NONE,
                Transports.Options.DEFAULT.driven())) {
      Region region = folder.region(transport, arena, 2 * SLOT_BYTES, SLOT_BYTES);
      region.renew(1);
      region.memory().asSlice(SLOT_BYTES, SLOT_BYTES).fill(CONTENT);
      System.out.println("sharing region " + region.id());
      System.in.read();
    }
  }
}
