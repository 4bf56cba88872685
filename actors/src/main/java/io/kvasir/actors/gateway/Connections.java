package io.kvasir.actors.gateway;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;

/**
 * The connections that are open, at most {@code max-connections}. Pekko HTTP's own termination cuts
 * a streamed answer off in its last bytes; this waits until each connection has written its answer.
 * Safe from any thread.
 */
final class Connections {
  private final Set<ClientConnection> open = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<Done> none = new CompletableFuture<>();
  private volatile boolean closing;

  void opened(ClientConnection connection) {
    open.add(connection);
    if (closing) {
      connection.closeWhenIdle();
    }
  }

  void closed(ClientConnection connection) {
    open.remove(connection);
    check();
  }

  /**
   * Closes each connection as soon as no request is in progress on it.
   *
   * @return completes when none is open, or after {@code limit}; never fails
   */
  CompletionStage<Done> closeAll(Duration limit) {
    closing = true;
    open.forEach(ClientConnection::closeWhenIdle);
    check();
    return none.completeOnTimeout(Done.getInstance(), limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void check() {
    if (closing && open.isEmpty()) {
      none.complete(Done.getInstance());
    }
  }
}
