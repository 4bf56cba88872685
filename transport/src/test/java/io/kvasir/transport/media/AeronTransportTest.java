package io.kvasir.transport.media;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvasir.transport.TestNode;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The contract over Aeron; each medium is a subclass. */
abstract class AeronTransportTest extends TransportContractTest {
  private static TestDriver[] drivers;

  /** Drivers the nodes are spread over: one = shared memory, two = UDP. */
  abstract int driverCount();

  abstract int mtuBytes();

  @BeforeAll
  static void startDrivers() {
    drivers = new TestDriver[] {new TestDriver(), new TestDriver()};
  }

  @AfterAll
  static void stopDrivers() {
    for (TestDriver driver : drivers) {
      long errors = driver.errorCount();
      driver.close();
      assertEquals(0, errors, "driver errors");
      assertEquals(false, driver.path().toFile().exists(), "the driver's folder is left");
    }
  }

  @Override
  TestNode node(
      long nodeId,
      Transports.Options options,
      Function<TransportConfig, TransportConfig> tune,
      int slotBytes,
      int slotCount) {
    TestDriver driver = drivers[(int) (nodeId % driverCount())];
    AeronSettings settings = AeronSettings.of(TestDriver.freeEndpoint(), mtuBytes());
    return new TestNode(
        nodeId,
        counters -> new AeronMedium(driver.clients(), settings, counters),
        options,
        tune,
        slotBytes,
        slotCount);
  }

  @Override
  int maxFrameBytes() {
    return mtuBytes() - LaneSettings.DATA_HEADER_BYTES;
  }
}
