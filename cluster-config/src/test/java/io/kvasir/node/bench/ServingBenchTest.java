package io.kvasir.node.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.runtime.device.WeightFormat;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The serving bench: its parts on their own, and all of it on a tiny model. */
final class ServingBenchTest {
  @TempDir Path dir;

  @Test
  void shouldGiveTheSameRequestsToEverybody() {
    ServingMix one = new ServingMix(3, 8192);
    ServingMix same = new ServingMix(3, 8192);
    double answers = 0;
    for (int i = 0; i < 20_000; i++) {
      ServingMix.Lengths lengths = one.lengths(i);
      assertEquals(lengths, same.lengths(i));
      assertTrue(lengths.prompt() >= 8 && lengths.prompt() <= 128, lengths.toString());
      assertTrue(lengths.answer() >= 32 && lengths.answer() <= 256, lengths.toString());
      answers += lengths.answer();
    }
    assertEquals(one.meanAnswerTokens(), answers / 20_000, 1.5);
    assertArrayEquals(one.prompt(17, 2), same.prompt(17, 2));
    assertFalse(Arrays.equals(one.prompt(17, 2), one.prompt(17, 3)));
    assertFalse(one.lengths(1).equals(one.lengths(2)) && one.lengths(2).equals(one.lengths(3)));
  }

  @Test
  void shouldTakePercentilesOfAllSamples() {
    Samples samples = new Samples();
    assertTrue(Double.isNaN(samples.percentile(0.5)));
    for (int i = 1000; i >= 1; i--) {
      samples.add(i);
    }
    assertEquals(1000, samples.count());
    assertEquals(500, samples.percentile(0.5));
    assertEquals(990, samples.percentile(0.99));
    assertEquals(1000, samples.percentile(1));
  }

  @Test
  void shouldFollowAnswersHoweverTheyAreCutUp() throws Exception {
    String stream =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "e\r\n: keep-alive\n\n\r\n"
            + "b\r\ndata: {\"a\"}\r\n"
            + "30\r\ndata: {\"usage\":{\"completion_tokens\":42,\"x\":1}}\n\n\r\n0\r\n\r\n";
    String refusal = "HTTP/1.1 429 Too Many\r\nContent-Length: 7\r\n\r\n{\"e\":1}";
    for (int piece : new int[] {1, 7, 64, 10_000}) {
      try (ServerSocketChannel server =
              ServerSocketChannel.open()
                  .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
          Selector selector = Selector.open()) {
        LoadConnection connection =
            new LoadConnection((InetSocketAddress) server.getLocalAddress(), selector);
        try (SocketChannel peer = server.accept()) {
          connection.send(ByteBuffer.wrap(new byte[] {1}), 42);
          assertEquals(
              LoadConnection.Event.ANSWERED, feed(peer, connection, selector, stream, piece));
          assertEquals(200, connection.status);
          assertEquals(42, connection.answeredTokens());
          connection.send(ByteBuffer.wrap(new byte[] {1}), 42);
          assertEquals(
              LoadConnection.Event.ANSWERED, feed(peer, connection, selector, refusal, piece));
          assertEquals(429, connection.status);
        }
        selector.select();
        assertEquals(LoadConnection.Event.GONE, connection.read(ByteBuffer.allocate(100)));
        connection.close();
      }
    }
  }

  private static LoadConnection.Event feed(
      SocketChannel peer, LoadConnection connection, Selector selector, String text, int piece)
      throws Exception {
    LoadConnection.Event last = LoadConnection.Event.NOTHING;
    ByteBuffer chunk = ByteBuffer.allocate(4096);
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    for (int at = 0; at < bytes.length; at += piece) {
      assertFalse(last == LoadConnection.Event.ANSWERED, "too early, at " + at);
      ByteBuffer part = ByteBuffer.wrap(bytes, at, Math.min(piece, bytes.length - at));
      int left = part.remaining();
      peer.write(part);
      assertFalse(part.hasRemaining());
      while (left > 0) {
        selector.select();
        selector.selectedKeys().clear();
        last = connection.read(chunk);
        left -= chunk.limit();
      }
    }
    return last;
  }

  @Test
  @Tag("slow")
  void shouldMeasureANodeUnderEveryLoad() throws Exception {
    Path config =
        Files.writeString(
            dir.resolve("config.json"),
            """
            {"model_type": "llama", "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96,
             "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
             "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "tie_word_embeddings": false,
             "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
            """);
    Path json = dir.resolve("out.json");
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    int exit =
        ServingBench.run(
            new ServingBench.Options(
                "dummy:" + config,
                WeightFormat.BF16,
                Set.of(),
                true,
                2,
                3,
                2,
                1,
                json,
                false,
                dir.resolve("kept")),
            new PrintStream(printed, true, StandardCharsets.UTF_8));
    assertEquals(0, exit);
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    List<String> names = rows.findValuesAsText("name");
    assertTrue(names.contains("closed loop, 32 at once: TTFT p99"), names.toString());
    assertTrue(names.contains("Poisson at 0.8 of capacity: throughput"), names.toString());
    assertTrue(rows.findValuesAsText("baseline").contains("llama.cpp, slots: 32"));
    for (JsonNode row : rows) {
      if (row.get("name").asText().matches(".*(broken|leases).*")) {
        assertEquals(0, row.get("value").asDouble(), row.toString());
      }
    }
  }

  @Test
  void shouldRefuseTimesOfNothing() {
    ServingBench.Options good = ServingBench.Options.defaults();
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new ServingBench.Options(
                    good.model(),
                    good.dtype(),
                    good.parts(),
                    false,
                    0,
                    60,
                    2,
                    1,
                    null,
                    false,
                    good.folder()));
    assertTrue(refused.getMessage().contains("--seconds=0.0"), refused.getMessage());
  }
}
