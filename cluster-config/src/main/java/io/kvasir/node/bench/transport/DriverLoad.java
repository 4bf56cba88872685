package io.kvasir.node.bench.transport;

import io.aeron.driver.MediaDriver;

/** A bare media driver in a process of its own. */
final class DriverLoad implements Load {
  private final Spec spec;
  private MediaDriver driver;

  DriverLoad(Spec spec) {
    this.spec = spec;
  }

  @Override
  public String open() {
    driver = AeronLoad.launchDriver(spec.text("folder"), spec);
    return "";
  }

  @Override
  public void awaitPeer(Spec other) {}

  @Override
  public long move(long bytes) {
    throw new UnsupportedOperationException("a driver moves what others send");
  }

  @Override
  public void close() {
    driver.close();
  }
}
