package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.GenerationRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Clients that leave, or stay and do not read: neither may cost the engine anything. */
final class DisconnectTest {
  private static ActorTestKit kit;
  private static TestNode node;

  @BeforeAll
  static void start() throws Exception {
    kit = TestNode.newKit();
    node =
        TestNode.start(
            kit,
            """
            kvasir.actors.gateway { write-timeout = 500 ms, keep-alive-interval = 100 ms }
            kvasir.actors.gateway.max-requests = 2
            pekko.http.server.socket-options.so-send-buffer-size = 64 KiB
            """,
            new FakeEngine(1_200_000));
  }

  @AfterAll
  static void stop() {
    node.close();
    kit.shutdownTestKit();
  }

  private static Socket ask(String body, String headers) throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(8 * 1024);
    socket.connect(new InetSocketAddress("127.0.0.1", node.server.address().getPort()));
    socket.setSoTimeout(20_000);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    socket
        .getOutputStream()
        .write(
            ("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    + headers
                    + "Content-Length: "
                    + bytes.length
                    + "\r\n\r\n"
                    + body)
                .getBytes(StandardCharsets.UTF_8));
    return socket;
  }

  @Test
  void shouldCancelAStreamWhoseClientLeft() throws Exception {
    GenerationRequest request;
    try (Socket socket = ask(TestNode.chatBody("\"stream\":true"), "")) {
      request = node.submitted();
      node.engine.publish(request, 'a');
      assertTrue(socket.getInputStream().read() >= 0);
    }
    assertEquals(request.id(), node.engine.nextCancelled());
    shouldServeTheNext();
  }

  @Test
  void shouldCancelACollectedAnswerWhoseClientLeft() throws Exception {
    GenerationRequest request;
    try (Socket socket = ask(TestNode.chatBody(""), "")) {
      assertTrue(socket.isConnected());
      request = node.submitted();
    }
    assertEquals(request.id(), node.engine.nextCancelled());
    shouldServeTheNext();
  }

  @Test
  void shouldAnswerAClientThatAsksForTheConnectionToBeClosed() throws Exception {
    try (Socket socket = ask(TestNode.chatBody(""), "Connection: close\r\n")) {
      GenerationRequest request = node.submitted();
      node.engine.publish(request, 'a');
      node.engine.finish(request, FinishReason.LENGTH, 0, null);
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 200"), answer);
      assertTrue(answer.contains("\"content\":\"a\""), answer);
    }
  }

  @Test
  void shouldCutOffAReaderThatTakesNothingWithoutAnErrorInTheLog() throws Exception {
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    logged.start();
    root.addAppender(logged);
    try (Socket socket = ask(TestNode.chatBody("\"stream\":true,\"max_tokens\":1000000"), "")) {
      GenerationRequest request = node.submitted();
      assertTrue(socket.getInputStream().read() >= 0);
      int[] ones = new int[200];
      Arrays.fill(ones, 1);
      // A little at a time, as an engine does: whatever the sockets and the HTTP layer hold (the
      // TCP stage takes on elements while it writes) has to fill up before the stream stands still.
      Long cancelled = null;
      for (int i = 0; i < 5_000 && cancelled == null; i++) {
        node.engine.publish(request, ones);
        cancelled = node.engine.nextCancelled(5, TimeUnit.MILLISECONDS);
      }
      assertEquals(request.id(), cancelled);
      assertTrue(node.get("/metrics").body().contains("cause=\"slow_reader\""));
    } finally {
      root.detachAppender(logged);
    }
    assertEquals(List.of(), List.copyOf(logged.list));
    shouldServeTheNext();
  }

  @Test
  void shouldForgetAClientThatLeavesInTheMiddleOfItsBody() throws Exception {
    try (Socket socket =
        new Socket(InetAddress.getLoopbackAddress(), node.server.address().getPort())) {
      socket
          .getOutputStream()
          .write(
              "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"
                  .getBytes(StandardCharsets.UTF_8));
    }
    shouldServeTheNext();
  }

  /**
   * Two places are all there is (one may still be on its way back when its answer has been read),
   * so places that were not given back would show as 429.
   */
  private static void shouldServeTheNext() throws Exception {
    long deadlineNs = System.nanoTime() + 20_000_000_000L;
    node.answerWith("fine");
    int status = node.chat("").statusCode();
    while (status == 429 && System.nanoTime() < deadlineNs) {
      status = node.chat("").statusCode();
    }
    assertEquals(200, status);
    node.submitted();
    node.answerByHand();
  }
}
