package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.aeron.driver.ThreadingMode;
import org.junit.jupiter.api.Test;

/** How many threads a driver gets where nothing is said. */
final class DriverThreadsTest {
  private static ThreadingMode auto(boolean ownProcess, int processors) {
    return DriverContexts.threading(DriverSettings.Threading.AUTO, ownProcess, processors);
  }

  @Test
  void shouldGiveADriverOfItsOwnProcessThreeThreadsFromTwoProcessorsOn() {
    assertEquals(ThreadingMode.SHARED, auto(true, 1));
    assertEquals(ThreadingMode.DEDICATED, auto(true, 2));
    assertEquals(ThreadingMode.DEDICATED, auto(true, 64));
  }

  @Test
  void shouldGiveAnEmbeddedDriverOneThread() {
    assertEquals(ThreadingMode.SHARED, auto(false, 2));
    assertEquals(ThreadingMode.SHARED, auto(false, 64));
  }

  @Test
  void shouldDoAsIsSaidWhateverTheMachine() {
    assertEquals(
        ThreadingMode.SHARED_NETWORK,
        DriverContexts.threading(DriverSettings.Threading.SHARED_NETWORK, true, 2));
    assertEquals(
        ThreadingMode.DEDICATED,
        DriverContexts.threading(DriverSettings.Threading.DEDICATED, false, 1));
  }
}
