package io.kvasir.actors.schedule;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.agrona.CloseHelper;
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
   * Connects and closes.
   *
   * @param limit for the answer; what comes later counts as none
   * @return whether the connection was refused; never fails
   */
  static CompletableFuture<Boolean> refused(Address address, Duration limit) {
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    if (address.host().isEmpty() || address.port().isEmpty()) {
      answer.complete(false);
      return answer;
    }
    InetSocketAddress target =
        new InetSocketAddress(address.host().get(), (int) address.port().get());
    if (target.isUnresolved()) {
      answer.complete(false);
      return answer;
    }
    AsynchronousSocketChannel channel;
    try {
      channel = AsynchronousSocketChannel.open();
    } catch (IOException noDescriptors) {
      answer.complete(false);
      return answer;
    }
    answer
        .completeOnTimeout(false, limit.toNanos(), TimeUnit.NANOSECONDS)
        .whenComplete((said, failure) -> CloseHelper.quietClose(channel));
    channel.connect(
        target,
        answer,
        new CompletionHandler<>() {
          @Override
          public void completed(Void nothing, CompletableFuture<Boolean> heard) {
            heard.complete(false);
          }

          @Override
          public void failed(Throwable failure, CompletableFuture<Boolean> heard) {
            heard.complete(failure instanceof ConnectException);
          }
        });
    return answer;
  }
}
