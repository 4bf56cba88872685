package io.kvasir.node.bench.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.node.bench.cluster.FirstTokenPart.Place;
import io.kvasir.node.bench.cluster.Streamed.Sources;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What the bench makes of a stream and its accounting. */
final class StreamedTest {
  private static final long MS = 1_000_000;

  private static JsonNode json(String text) throws IOException {
    return new ObjectMapper().readTree(text.replace('\'', '"'));
  }

  private static JsonNode usage(
      int prompt, int device, int host, int peer, int recomputed, int attempts) throws IOException {
    return json(
        """
        {'prompt_tokens': %d, 'kvasir': {'device_hit_tokens': %d, 'host_tokens': %d,
         'peer_tokens': %d, 'recomputed_tokens': %d, 'node': 'node-2', 'attempts': %d,
         'misses': {'not_cached': 32}}}
        """
            .formatted(prompt, device, host, peer, recomputed, attempts));
  }

  @Test
  void shouldTimeTheFirstTextAndTheLongestSilence() throws IOException {
    Streamed.Builder stream = new Streamed.Builder(100 * MS);
    // A chat's opening has no text, and does not stop the clock.
    stream.take(json("{'choices': [{'delta': {'role': 'assistant', 'content': ''}}]}"), 101 * MS);
    assertEquals(0, stream.events());
    stream.take(json("{'choices': [{'delta': {'content': 'one'}}]}"), 120 * MS);
    stream.take(json("{'choices': [{'delta': {'content': ' two'}}]}"), 130 * MS);
    stream.take(json("{'choices': [{'text': ' three'}]}"), 2130 * MS);
    stream.take(json("{'choices': [{'text': ' four'}]}"), 2135 * MS);
    stream.take(json("{'choices': [], 'usage': " + usage(64, 32, 0, 0, 32, 2) + "}"), 2136 * MS);
    Streamed answer = stream.build(2140 * MS);
    assertEquals("one two three four", answer.text());
    assertEquals(20, answer.firstTextMs());
    assertEquals(2000, answer.longestGapMs());
    assertEquals(2040, answer.totalMs());
    assertEquals(
        new Sources(64, 32, 0, 0, 0, 32, 0, "node-2", 2, "{\"not_cached\":32}"), answer.usage());
  }

  @Test
  void shouldRefuseStreamsThatFailOrEndWithoutAccounting() throws IOException {
    Streamed.Builder failed = new Streamed.Builder(0);
    assertThrows(IOException.class, () -> failed.take(json("{'error': {'message': 'gone'}}"), 1));
    Streamed.Builder cut = new Streamed.Builder(0);
    cut.take(json("{'choices': [{'text': 'x'}]}"), 1);
    assertThrows(IOException.class, () -> cut.build(2));
  }

  @Test
  void shouldCountASampleOnlyWhereItsPlaceServedAllButTheLastBlock() throws IOException {
    assertTrue(Place.DEVICE.served(Sources.of(usage(2048, 2047, 0, 0, 1, 1)), 32));
    assertTrue(Place.HOST.served(Sources.of(usage(2048, 0, 2016, 0, 32, 1)), 32));
    assertTrue(Place.PEER.served(Sources.of(usage(2048, 0, 0, 2047, 1, 1)), 32));
    assertTrue(Place.NOWHERE.served(Sources.of(usage(2048, 0, 0, 0, 2048, 1)), 32));
    assertFalse(Place.NOWHERE.served(Sources.of(usage(2048, 32, 0, 0, 2016, 1)), 32));
    assertFalse(Place.HOST.served(Sources.of(usage(2048, 32, 2015, 0, 1, 1)), 32), "two places");
    assertFalse(Place.HOST.served(Sources.of(usage(2048, 0, 1984, 0, 64, 1)), 32), "two blocks");
    assertFalse(Place.PEER.served(Sources.of(usage(2048, 0, 2047, 0, 1, 1)), 32), "wrong place");
    assertFalse(Place.PEER.served(Sources.of(usage(2048, 0, 0, 2047, 1, 2)), 32), "two attempts");
    assertFalse(Place.PEER.served(Sources.of(usage(2048, 0, 0, 2040, 1, 1)), 32), "lost tokens");
  }
}
