package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The published kinds of tokenizer.json, small. */
final class TextTokenizerTest {
  private static final String TEXT = "the thin end, Zoë's 日本 😀 on and\n  in";

  @TempDir Path dir;

  private static TextTokenizer open(String kind) {
    String json =
        switch (kind) {
          case "byteLevel" -> TinyTokenizers.byteLevel(320);
          case "sentencePiece" -> TinyTokenizers.sentencePiece();
          case "wordLevel" -> TinyTokenizers.wordLevel();
          default -> throw new IllegalArgumentException(kind);
        };
    return HuggingFaceTextTokenizer.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static String stream(TextTokenizer tokenizer, int[] prompt, int... ids) {
    StreamDecoder decoder = new StreamDecoder(tokenizer, true, prompt);
    StringBuilder out = new StringBuilder();
    for (int id : ids) {
      String piece = decoder.next(id);
      assertFalse(
          !piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)), piece);
      out.append(piece);
    }
    return out.append(decoder.finish()).toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"byteLevel", "sentencePiece"})
  void shouldRestoreAnyTextWholeAndInPieces(String kind) {
    try (TextTokenizer tokenizer = open(kind)) {
      int[] ids = tokenizer.encode(TEXT, false);
      assertEquals(TEXT, tokenizer.decode(ids, true));
      assertEquals(TEXT, stream(tokenizer, new int[0], ids));
      assertTrue(tokenizer.joinsBytes());
    }
  }

  @Test
  void shouldNeverSplitACharacter() {
    try (TextTokenizer tokenizer = open("byteLevel")) {
      int[] ids = tokenizer.encode("😀é", false);
      assertEquals(6, ids.length);
      StreamDecoder decoder = new StreamDecoder(tokenizer, true);
      List<String> pieces = new ArrayList<>();
      for (int id : ids) {
        pieces.add(decoder.next(id));
      }
      assertEquals(List.of("", "", "", "😀", "", "é"), pieces);
      assertEquals("", decoder.finish());
    }
  }

  @Test
  void shouldReplaceBytesThatAreNoCharacterOnlyOnceThatIsSure() {
    try (TextTokenizer tokenizer = open("byteLevel")) {
      int[] smile = tokenizer.encode("😀", false);
      int a = tokenizer.encode("a", false)[0];
      StreamDecoder broken = new StreamDecoder(tokenizer, true);
      assertEquals("", broken.next(smile[0]));
      assertEquals("", broken.next(smile[1]));
      assertEquals("\uFFFDa", broken.next(a));
      StreamDecoder cut = new StreamDecoder(tokenizer, true);
      assertEquals("", cut.next(smile[0]));
      assertEquals("\uFFFD", cut.finish());
    }
  }

  @Test
  void shouldStreamWhatTheLibraryDecodesForRandomIds() {
    try (TextTokenizer tokenizer = open("byteLevel")) {
      Random random = new Random(11);
      for (int round = 0; round < 200; round++) {
        int[] ids = random.ints(1 + random.nextInt(30), 0, tokenizer.idCount()).toArray();
        assertEquals(
            tokenizer.decode(ids, true), stream(tokenizer, new int[0], ids), "round " + round);
      }
    }
  }

  @Test
  void shouldKeepTheBlankBetweenPromptAndAnswer() {
    try (TextTokenizer tokenizer = open("sentencePiece")) {
      int[] prompt = tokenizer.encode("the", true);
      int[] both = tokenizer.encode("the end", true);
      int[] answer = java.util.Arrays.copyOfRange(both, prompt.length, both.length);
      assertEquals(" end", stream(tokenizer, prompt, answer));
      assertEquals("end", stream(tokenizer, new int[0], answer));
      // Behind a control token a text begins.
      assertEquals("end", stream(tokenizer, new int[] {1}, answer));
      assertEquals(1, tokenizer.leadingSpaceCount());
    }
  }

  @Test
  void shouldStreamWordsThatJoinWithBlanks() {
    try (TextTokenizer tokenizer = open("wordLevel")) {
      int[] ids = tokenizer.encode("anna has the red ball", false);
      assertEquals(5, ids.length);
      assertFalse(tokenizer.joinsBytes());
      assertEquals("anna has the red ball", tokenizer.decode(ids, true));
      assertEquals("anna has the red ball", stream(tokenizer, new int[0], ids));
      assertEquals(" ball anna", stream(tokenizer, ids, ids[4], ids[0]));
      int[] many = new int[40];
      java.util.Arrays.setAll(many, i -> ids[i % 5]);
      assertEquals(tokenizer.decode(many, true), stream(tokenizer, new int[0], many));
    }
  }

  @Test
  void shouldTreatControlTokensAsSuch() {
    try (TextTokenizer tokenizer = open("byteLevel")) {
      assertArrayEquals(new int[] {1}, tokenizer.encode("", true));
      assertEquals(1, tokenizer.encode("<s>in", false)[0]);
      assertTrue(tokenizer.isSpecial(2));
      assertEquals("<s>", tokenizer.idToToken(1).orElseThrow());
      assertEquals(2, tokenizer.tokenToId("</s>").orElseThrow());
      assertEquals("in", tokenizer.decode(tokenizer.encode("<s>in</s>", false), true));
      assertEquals("<s>in", tokenizer.decode(tokenizer.encode("<s>in", false), false));
    }
  }

  @Test
  void shouldSurviveIdsAndTextsThatAreNone() {
    try (TextTokenizer tokenizer = open("byteLevel")) {
      assertEquals("", tokenizer.decode(new int[] {-1, 320, Integer.MAX_VALUE}, true));
      assertEquals("", stream(tokenizer, new int[0], -1, 320, Integer.MAX_VALUE));
      assertEquals("a\uFFFDb", tokenizer.decode(tokenizer.encode("a\uD83Db", false), true));
      assertEquals("\0", tokenizer.decode(tokenizer.encode("\0", false), true));
      assertFalse(tokenizer.idToToken(-5).isPresent());
    }
  }

  @Test
  void shouldServeManyThreads() throws Exception {
    try (TextTokenizer tokenizer = open("byteLevel");
        ExecutorService pool = Executors.newFixedThreadPool(4)) {
      int[] expected = tokenizer.encode(TEXT, true);
      List<Future<?>> done = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        done.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < 200; i++) {
                    assertArrayEquals(expected, tokenizer.encode(TEXT, true));
                    assertEquals(TEXT, tokenizer.decode(expected, true));
                  }
                }));
      }
      for (Future<?> each : done) {
        each.get();
      }
    }
  }

  @Test
  void shouldFailLoudlyAfterClose() {
    TextTokenizer tokenizer = open("byteLevel");
    tokenizer.close();
    tokenizer.close();
    assertThrows(IllegalStateException.class, () -> tokenizer.encode("a", false));
  }

  @Test
  void shouldRefuseWhatIsNoTokenizer() {
    byte[] empty =
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {}}}".getBytes(StandardCharsets.UTF_8);
    var e = assertThrows(CheckpointException.class, () -> HuggingFaceTextTokenizer.parse(empty));
    assertTrue(e.getMessage().startsWith("tokenizer.json"), e.getMessage());
  }

  @Test
  void shouldRefuseATokenizerOfAnotherModel() throws IOException {
    TinyCheckpoints.write(dir, "llama", 1);
    Files.writeString(dir.resolve("tokenizer.json"), TinyTokenizers.byteLevel(330));
    var e = assertThrows(CheckpointException.class, () -> Checkpoint.open(dir.toString()));
    assertTrue(e.getMessage().contains("ids up to 329"), e.getMessage());
    assertTrue(e.getMessage().contains("vocab_size=320"), e.getMessage());
  }

  @Test
  void shouldStayOffTheNetwork() {
    try (TextTokenizer tokenizer = open("byteLevel")) {
      assertTrue(tokenizer.idCount() > 0);
      assertEquals("true", System.getProperty("ai.djl.offline"));
    }
  }
}
