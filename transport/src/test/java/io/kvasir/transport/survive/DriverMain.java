package io.kvasir.transport.survive;

import io.kvasir.transport.media.TestDriver;
import java.io.IOException;

/** A media driver in a process of its own; ends with its stdin. */
final class DriverMain {
  private DriverMain() {}

  public static void main(String[] args) throws IOException {
    try (TestDriver driver = new TestDriver()) {
      System.out.println("folder " + driver.folder());
      while (System.in.read() >= 0) {
        // Lines are of no interest, only their end.
      }
    }
  }
}
