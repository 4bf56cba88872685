package io.kvasir.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** {@code kvasir calibrate} against an admin address that says what the test wants. */
final class CalibrateCommandTest {
  private static final String MEASURED =
      """
      {"node":"node-2","models":[{"model":"m","deviceBytesPerSecond":3.5e9,
      "prefillTokensPerSecond":410.4,"explained":[],"sources":[
      {"source":"host","node":"node-2","bytesPerSecond":2.5e9,"fixedMs":0.125,"samples":9,"bypassed":false},
      {"source":"peer","node":"node-1","bytesPerSecond":5e8,"fixedMs":1.5,"samples":0,"bypassed":true}]}]}
      """;

  private record Outcome(int code, String out, String err) {}

  private static Outcome run(int status, String body) throws IOException {
    HttpServer node =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    node.createContext(
        "/kvasir/calibrate",
        exchange -> {
          byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
          int code = exchange.getRequestMethod().equals("POST") ? status : 405;
          exchange.sendResponseHeaders(code, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    node.start();
    try {
      StringWriter out = new StringWriter();
      StringWriter err = new StringWriter();
      String[] arguments = {
        "calibrate", "--url", "http://127.0.0.1:" + node.getAddress().getPort()
      };
      int code =
          KvasirCommand.execute(arguments, new PrintWriter(out, true), new PrintWriter(err, true));
      return new Outcome(code, out.toString(), err.toString());
    } finally {
      node.stop(0);
    }
  }

  @Test
  void shouldPrintEverySourceAsATable() throws IOException {
    Outcome outcome = run(200, MEASURED);
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(
        outcome.out().matches("(?s).*m +host +node-2 +0\\.13 ms +2\\.50 GB/s +9 +yes\\R.*"),
        outcome.out());
    assertTrue(
        outcome.out().matches("(?s).*m +peer +node-1 +1\\.50 ms +0\\.50 GB/s +assumed +bypassed.*"),
        outcome.out());
    assertTrue(outcome.out().contains("off the device 3.50 GB/s, computing 410 tokens/s"));
  }

  @Test
  void shouldSayInOneSentenceWhyANodeCannot() throws IOException {
    Outcome outcome = run(503, "the node has no device for blocks to be loaded onto");
    assertEquals(1, outcome.code());
    assertTrue(outcome.err().contains("no device for blocks"), outcome.err());
  }
}
