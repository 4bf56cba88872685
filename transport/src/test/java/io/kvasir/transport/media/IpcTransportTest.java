package io.kvasir.transport.media;

import io.kvasir.transport.MediumKind;

/** The contract over shared memory. */
class IpcTransportTest extends AeronTransportTest {
  @Override
  int driverCount() {
    return 1;
  }

  @Override
  int mtuBytes() {
    return 65_504;
  }

  @Override
  MediumKind kind() {
    return MediumKind.IPC;
  }
}
