package io.kvasir.actors.schedule;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.Address;

/**
 * Asks the system of a silent node's host whether anybody listens where the node did. A host that
 * refuses says that the process has ended, the moment it has: a node that is killed is known for
 * dead long before its heartbeats are missed. Nothing else is an answer: a paused process listens,
 * and so does its next life; a host that is down says nothing. Any thread; nothing blocks.
 */
final class PortProbe {
  private PortProbe() {}

  /**
   * Connects and closes, on a thread of its own: a name may take long to look up.
   *
   * @param limit for the connection; what comes later counts as no answer
   * @return whether the connection was refused
   */
  static CompletableFuture<Boolean> refused(Address address, Duration limit) {
    return CompletableFuture.supplyAsync(
        () -> refuses(address, limit), task -> Thread.ofVirtual().start(task));
  }

  private static boolean refuses(Address address, Duration limit) {
    if (address.host().isEmpty() || address.port().isEmpty()) {
      return false;
    }
    try (Socket socket = new Socket()) {
      int port = (int) address.port().get();
      socket.connect(new InetSocketAddress(address.host().get(), port), (int) limit.toMillis());
      return false;
    } catch (ConnectException refused) {
      return true;
    } catch (IOException noAnswer) {
      return false;
    }
  }
}
