package io.kvasir.transport.media;

import io.kvasir.transport.MediumKind;

/** The contract over UDP between two drivers, with frames of an Ethernet's length. */
class UdpTransportTest extends AeronTransportTest {
  @Override
  int driverCount() {
    return 2;
  }

  @Override
  int mtuBytes() {
    return 1408;
  }

  @Override
  MediumKind kind() {
    return MediumKind.UDP;
  }
}
