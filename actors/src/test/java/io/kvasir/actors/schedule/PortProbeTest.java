package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.Address;
import org.junit.jupiter.api.Test;

final class PortProbeTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private static boolean refused(Address address) throws Exception {
    return PortProbe.refused(address, LIMIT).get(60, TimeUnit.SECONDS);
  }

  private static Address at(int port) {
    return new Address("pekko", "kvasir", "127.0.0.1", port);
  }

  @Test
  void shouldTellAnEndedListenerFromOneThatOnlySaysNothing() throws Exception {
    int port;
    // It accepts nothing, like a process that is paused.
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      port = silent.getLocalPort();
      assertFalse(refused(at(port)));
    }
    assertTrue(refused(at(port)));
  }

  @Test
  void shouldBlameNobodyWithoutAnAddress() throws Exception {
    assertFalse(refused(new Address("pekko", "kvasir")));
    assertFalse(refused(new Address("pekko", "kvasir", "no-such-host.invalid", 1)));
  }

  @Test
  void shouldTakeAHostThatSaysNothingForNoAnswer() throws Exception {
    // Its backlog is full, so that the system drops what comes: the longest an answer can take.
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket one = new Socket(full.getInetAddress(), full.getLocalPort());
        Socket two = new Socket(full.getInetAddress(), full.getLocalPort())) {
      assertTrue(one.isConnected() && two.isConnected());
      assertFalse(
          PortProbe.refused(at(full.getLocalPort()), Duration.ofMillis(50))
              .get(60, TimeUnit.SECONDS));
    }
  }
}
