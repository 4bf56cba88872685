package io.kvasir.transport.media;

import io.kvasir.transport.MediumKind;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.frame.FrameLayout;
import java.util.function.Function;

/** The contract over rings within the JVM. */
class MemoryTransportTest extends TransportContractTest {
  private final MemoryHub hub = new MemoryHub();

  @Override
  TestNode node(
      long nodeId,
      Transports.Options options,
      Function<TransportConfig, TransportConfig> tune,
      int slotBytes,
      int slotCount) {
    return new TestNode(nodeId, counters -> hub.medium(), options, tune, slotBytes, slotCount);
  }

  @Override
  MediumKind kind() {
    return MediumKind.MEMORY;
  }

  @Override
  int maxFrameBytes() {
    return FrameLayout.MAX_FRAME_BYTES;
  }
}
