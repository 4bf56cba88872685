package io.kvasir.runtime.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class SafetensorsTest {
  private static final float[] VALUES = {0, -0.0f, 1, -2.5f, 0.333333f, 6.1e-5f};

  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16"})
  void shouldReadBackWhatTheWriterWrote(DType dtype) throws IOException {
    new CheckpointWriter(dir).tensor("a", dtype, VALUES, 3, 2).finish();
    try (CheckpointTensors tensors = CheckpointTensors.open(dir)) {
      TensorView a = tensors.tensor("a");
      float[] expected = VALUES.clone();
      for (int i = 0; i < expected.length; i++) {
        expected[i] =
            switch (dtype) {
              case F16 -> Float.float16ToFloat(Float.floatToFloat16(VALUES[i]));
              case BF16 -> BFloat16.toFloat(BFloat16.fromFloat(VALUES[i]));
              default -> VALUES[i];
            };
      }
      assertArrayEquals(new long[] {3, 2}, a.shape());
      assertArrayEquals(expected, a.toFloats());
      assertArrayEquals(new float[] {expected[2], expected[3]}, tensors.rows("a", 1, 2).toFloats());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16"})
  void shouldCopyLongStretchesAsSingleElements(DType dtype) throws IOException {
    float[] values = new float[10_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i - 5000) * 0.37f;
    }
    new CheckpointWriter(dir).tensor("a", dtype, values, values.length).finish();
    try (CheckpointTensors tensors = CheckpointTensors.open(dir)) {
      TensorView a = tensors.tensor("a");
      float[] part = new float[9000];
      a.copyTo(501, part, 3, 8990);
      for (int i = 0; i < 8990; i++) {
        assertEquals(a.get(501 + i), part[3 + i]);
      }
      assertEquals(0, part[2] + part[8993]);
    }
  }

  @Test
  void shouldReadFilesOfTheClassPath() {
    var folder =
        new CheckpointFolder.ClassPath("embedded:x", "/io/kvasir/runtime/checkpoint/jinja/");
    assertTrue(folder.exists("cases.json"));
    assertTrue(folder.read("cases.json", 1 << 20).isPresent());
    assertFalse(folder.read("nothing.json", 1 << 20).isPresent());
    var e = assertThrows(CheckpointException.class, () -> folder.read("cases.json", 100));
    assertTrue(e.getMessage().contains("allowed are 100"), e.getMessage());
    var missing = assertThrows(CheckpointException.class, () -> Checkpoint.open("embedded:nobody"));
    assertTrue(missing.getMessage().contains("config.json"), missing.getMessage());
  }

  @Test
  void shouldReadShardsThroughTheirIndex() throws IOException {
    new CheckpointWriter(dir)
        .tensor("a", DType.F32, new float[] {1, 2}, 2)
        .tensor("b", DType.F32, new float[] {3, 4}, 2)
        .tensor("c", DType.F32, new float[] {5}, 1)
        .finishSharded(12);
    try (CheckpointTensors tensors = CheckpointTensors.open(dir)) {
      assertEquals(2, tensors.files().size());
      assertEquals(20, tensors.dataBytes());
      assertArrayEquals(new float[] {5}, tensors.tensor("c").toFloats());
    }
  }

  @Test
  void shouldUnmapOnClose() throws IOException {
    new CheckpointWriter(dir).tensor("a", DType.F32, new float[] {1}, 1).finish();
    CheckpointTensors tensors = CheckpointTensors.open(dir);
    TensorView a = tensors.tensor("a");
    tensors.close();
    tensors.close();
    assertThrows(IllegalStateException.class, () -> a.get(0));
  }

  @Test
  void shouldMapTensorsBeyondTwoGibibytes() throws IOException {
    long bigBytes = 3L << 30;
    String json =
        "{\"big\": {\"dtype\": \"BF16\", \"shape\": [%d, 2], \"data_offsets\": [0, %d]}, \"end\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [%d, %d]}}"
            .formatted(bigBytes / 4, bigBytes, bigBytes, bigBytes + 4);
    Path file = dir.resolve("model.safetensors");
    Files.write(file, image(json, new byte[0]));
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(8 + json.length() + bigBytes + 4);
      sparse.seek(8 + json.length() + bigBytes);
      sparse.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 7.5f).array());
    }
    try (CheckpointTensors tensors = CheckpointTensors.open(dir)) {
      assertEquals(7.5f, tensors.tensor("end").get(0));
      assertEquals(0, tensors.tensor("big").get(bigBytes / 2 - 1));
      assertEquals(bigBytes, tensors.tensor("big").data().byteSize());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Spans and shapes that contradict each other or the file.
        "{'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 4]}} | 4 | need 8",
        "{'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8]}} | 4 | truncated",
        "{'a': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}} | 8 | need 4",
        "{'a': {'dtype': 'F32', 'shape': [1], 'data_offsets': [4, 8]}} | 8 | beyond",
        "{'a': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}, 'b': {'dtype': 'F32',"
            + " 'shape': [1], 'data_offsets': [2, 6]}} | 6 | inside",
        "{'a': {'dtype': 'F32', 'shape': [1], 'data_offsets': [4, 0]}} | 4 | ascending",
        "{'a': {'dtype': 'F32', 'shape': [-1], 'data_offsets': [0, 4]}} | 4 | from 0",
        "{'a': {'dtype': 'F32', 'shape': [4611686018427387904, 4], 'data_offsets': [0, 0]}} | 0 |"
            + " 2^63",
        "{'a': {'dtype': 'Q4_K', 'shape': [1], 'data_offsets': [0, 4]}} | 4 | dtype",
        "{'a': 5} | 0 | dtype",
        "[] | 0 | object",
        "{'a': | 0 | JSON",
      })
  void shouldRefuseInconsistentHeaders(String json, int dataBytes, String reason)
      throws IOException {
    Files.write(
        dir.resolve("model.safetensors"), image(json.replace('\'', '"'), new byte[dataBytes]));
    var e = assertThrows(CheckpointException.class, () -> CheckpointTensors.open(dir));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().startsWith("model.safetensors"), e.getMessage());
  }

  @Test
  void shouldRefuseTheSameTensorTwiceInOneFile() throws IOException {
    String entry = "\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}";
    Files.write(
        dir.resolve("model.safetensors"), image("{" + entry + "," + entry + "}", new byte[4]));
    var e = assertThrows(CheckpointException.class, () -> CheckpointTensors.open(dir));
    assertTrue(e.getMessage().contains("Duplicate"), e.getMessage());
  }

  @Test
  void shouldRefuseHeadersLongerThanTheFile() throws IOException {
    byte[] file = image("{}", new byte[0]);
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE);
    Files.write(dir.resolve("model.safetensors"), file);
    var e = assertThrows(CheckpointException.class, () -> CheckpointTensors.open(dir));
    assertTrue(e.getMessage().contains("9223372036854775807"), e.getMessage());
  }

  @Test
  void shouldRefuseTruncatedShards() throws IOException {
    TinyCheckpoints.write(dir, "llama", 1, TinyCheckpoints.Options.defaults().shardBytes(90_000));
    Path shard = shard(2);
    try (RandomAccessFile file = new RandomAccessFile(shard.toFile(), "rw")) {
      file.setLength(file.length() - 100);
    }
    var e = assertThrows(CheckpointException.class, () -> Checkpoint.open(dir.toString()));
    assertTrue(e.getMessage().contains(shard.getFileName().toString()), e.getMessage());
    assertTrue(e.getMessage().contains("truncated"), e.getMessage());
  }

  @Test
  void shouldNameEveryMissingShard() throws IOException {
    TinyCheckpoints.write(dir, "llama", 1, TinyCheckpoints.Options.defaults().shardBytes(90_000));
    Path third = shard(3);
    Files.delete(shard(1));
    Files.delete(third);
    var e = assertThrows(CheckpointException.class, () -> Checkpoint.open(dir.toString()));
    assertEquals(2, e.problems().size(), e.problems().toString());
    assertTrue(e.problems().get(1).contains(third.getFileName().toString()), e.getMessage());
  }

  private Path shard(int number) throws IOException {
    try (var files = Files.list(dir)) {
      String start = "model-%05d-of-".formatted(number);
      return files.filter(f -> f.getFileName().toString().startsWith(start)).findFirst().get();
    }
  }

  @Test
  void shouldRefuseAnIndexThatLeavesItsFolder() throws IOException {
    Files.writeString(
        dir.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"a\": \"../secret.safetensors\"}}");
    var e = assertThrows(CheckpointException.class, () -> CheckpointTensors.open(dir));
    assertTrue(e.getMessage().contains("plain file names"), e.getMessage());
  }

  @Test
  void shouldTellRevisionsApart() throws IOException {
    TinyCheckpoints.write(dir.resolve("a"), "qwen3", 1);
    TinyCheckpoints.write(dir.resolve("b"), "qwen3", 1);
    TinyCheckpoints.write(dir.resolve("c"), "qwen3", 2);
    assertEquals(revision("a"), revision("b"));
    assertFalse(revision("a").equals(revision("c")));
  }

  private String revision(String name) {
    try (Checkpoint checkpoint = Checkpoint.open(dir.resolve(name).toString())) {
      return checkpoint.revision();
    }
  }

  @Test
  void shouldRoundBrainFloatsToNearestEven() {
    assertEquals((short) 0x3f80, BFloat16.fromFloat(1));
    assertEquals((short) 0x3f80, BFloat16.fromFloat(Float.intBitsToFloat(0x3f808000)));
    assertEquals((short) 0x3f82, BFloat16.fromFloat(Float.intBitsToFloat(0x3f818000)));
    assertEquals((short) 0x3f81, BFloat16.fromFloat(Float.intBitsToFloat(0x3f808001)));
    assertEquals((short) 0x7f80, BFloat16.fromFloat(Float.MAX_VALUE));
    assertEquals((short) 0x8000, BFloat16.fromFloat(-0.0f));
    assertTrue(Float.isNaN(BFloat16.toFloat(BFloat16.fromFloat(Float.intBitsToFloat(0x7f800001)))));
    assertEquals(-2.5f, BFloat16.toFloat(BFloat16.fromFloat(-2.5f)));
  }

  static byte[] image(String json, byte[] data) {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + header.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .put(data)
        .array();
  }

  @Test
  void shouldKeepDataUnalignedWhereTheFileDoes() throws IOException {
    byte[] data = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(1.25f).array();
    String json = "{\"a\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [0, 4]}} ";
    String odd = json.length() % 2 == 0 ? json + " " : json;
    Files.write(dir.resolve("model.safetensors"), image(odd, data));
    try (CheckpointTensors tensors = CheckpointTensors.open(dir)) {
      TensorView a = tensors.tensor("a");
      assertEquals(1, a.data().address() % 2);
      assertEquals(1.25f, a.get(0));
      assertEquals(4, a.data().toArray(ValueLayout.JAVA_BYTE).length);
    }
  }
}
