package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files are refused, never a crash. Seeded: {@code -Dkvasir.fuzz.seed=N} repeats a run, the
 * failing seed is printed.
 */
final class CheckpointFuzzTest {
  private static final int ROUNDS = 2500;
  private static final int FAMILY_COUNT = TinyCheckpoints.FAMILIES.size();
  private static final long SEED = Long.getLong("kvasir.fuzz.seed", 20_261_123L);

  private static final String[] SPLICES = {
    "-1",
    "0",
    "1e308",
    "1e999",
    "99999999999999999999",
    "9223372036854775807",
    "2147483648",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[[[[[[",
    "\"\\ud800\"",
    "0.5",
    "NaN",
    "\"F64\"",
    "{\"a\":{}}",
    ","
  };

  @TempDir Path dir;

  @Test
  void shouldRefuseOrReadEveryDamagedHeader() throws IOException {
    CheckpointWriter writer = new CheckpointWriter(dir);
    for (int i = 0; i < 12; i++) {
      DType dtype = List.of(DType.F32, DType.F16, DType.BF16).get(i % 3);
      writer.tensor("model.layers." + i + ".weight", dtype, new float[6], 2, 3);
    }
    writer.finish();
    byte[] file = Files.readAllBytes(dir.resolve("model.safetensors"));
    int headerEnd = 8 + (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    fuzz(ROUNDS, file, headerEnd, bytes -> readAll(bytes));
  }

  private static void readAll(byte[] bytes) {
    SafetensorsFile file = SafetensorsFile.of("model.safetensors", MemorySegment.ofArray(bytes));
    for (String name : file.tensorNames()) {
      TensorView view = file.tensor(name);
      if (view.dtype().isWeight() && view.elementCount() > 0) {
        view.get(view.elementCount() - 1);
      }
    }
  }

  @Test
  void shouldRefuseOrReadEveryDamagedConfig() {
    for (String family : TinyCheckpoints.FAMILIES) {
      byte[] json = TinyCheckpoints.configJson(family).getBytes(StandardCharsets.UTF_8);
      fuzz(ROUNDS / FAMILY_COUNT, json, json.length, bytes -> use(ModelConfig.parse(bytes)));
    }
  }

  private static void use(ModelConfig config) {
    config.parameterCount();
    config.kvBytesPerToken(2);
    RotaryFrequencies.of(config.rope(), config.maxPositionEmbeddings());
  }

  @Test
  void shouldRefuseOrReadEveryDamagedSmallFile() throws IOException {
    ModelConfig config =
        ModelConfig.parse(TinyCheckpoints.configJson("llama").getBytes(StandardCharsets.UTF_8));
    byte[] defaults =
        "{\"temperature\": 0.7, \"top_k\": 5, \"eos_token_id\": [2]}"
            .getBytes(StandardCharsets.UTF_8);
    fuzz(ROUNDS / 5, defaults, defaults.length, bytes -> GenerationDefaults.parse(bytes, config));
    byte[] tokenizer = TinyTokenizers.byteLevel(320).getBytes(StandardCharsets.UTF_8);
    fuzz(ROUNDS / 5, tokenizer, tokenizer.length, bytes -> TokenPieces.parse(bytes));
    byte[] chat = TinyTokenizers.CONFIG.getBytes(StandardCharsets.UTF_8);
    fuzz(
        ROUNDS / 5,
        chat,
        chat.length,
        bytes ->
            TokenizerConfig.chatTemplate(
                Json.object(bytes, TokenizerConfig.FILE), java.util.Optional.empty()));
  }

  private static void fuzz(int rounds, byte[] original, int to, Consumer<byte[]> reader) {
    int[] accepted = {0};
    assertTimeoutPreemptively(
        Duration.ofMinutes(5),
        () -> {
          for (int round = 0; round < rounds; round++) {
            Random random = new Random(SEED + round);
            byte[] damaged = damage(original, to, random);
            try {
              reader.accept(damaged);
              accepted[0]++;
            } catch (CheckpointException expected) {
              assertTrue(expected.getMessage().length() < 600, expected.getMessage());
            } catch (RuntimeException | Error e) {
              fail("round " + round + " of -Dkvasir.fuzz.seed=" + SEED + ": " + e, e);
            }
          }
        });
    assertTrue(accepted[0] < rounds, "no damage was noticed");
  }

  private static byte[] damage(byte[] original, int to, Random random) {
    byte[] out = original.clone();
    int edits = 1 + random.nextInt(3);
    for (int e = 0; e < edits; e++) {
      int at = Math.min(random.nextInt(to), out.length - 1);
      out =
          switch (random.nextInt(6)) {
            case 0 -> {
              out[at] = (byte) random.nextInt(256);
              yield out;
            }
            case 1 -> {
              out[at] ^= (byte) (1 << random.nextInt(8));
              yield out;
            }
            case 2 -> splice(out, at, Math.min(out.length, at + 1 + random.nextInt(20)), "");
            case 3 -> splice(out, at, at, SPLICES[random.nextInt(SPLICES.length)]);
            case 4 -> replaceValue(out, at, to, SPLICES[random.nextInt(SPLICES.length)]);
            default -> {
              byte[] cut = java.util.Arrays.copyOf(out, Math.max(1, at));
              yield cut.length < 2 ? out : cut;
            }
          };
      to = Math.min(to, out.length);
      if (to == 0) {
        return out;
      }
    }
    return out;
  }

  /** Puts another value behind the next colon: the file stays JSON and reaches the checks. */
  private static byte[] replaceValue(byte[] in, int at, int to, String value) {
    int colon = at;
    while (colon < Math.min(to, in.length) && in[colon] != ':') {
      colon++;
    }
    int end = colon + 1;
    while (end < Math.min(to, in.length) && in[end] != ',' && in[end] != '}' && in[end] != ']') {
      end++;
    }
    return colon >= Math.min(to, in.length) ? in : splice(in, colon + 1, end, value);
  }

  private static byte[] splice(byte[] in, int from, int to, String middle) {
    byte[] insert = middle.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(from + insert.length + in.length - to);
    return out.put(in, 0, from).put(insert).put(in, to, in.length - to).array();
  }
}
