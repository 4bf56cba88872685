package io.kvasir.runtime.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
  @TempDir Path directory;

  @Test
  void shouldWriteHeaderThenTensorsWithoutGaps() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
    writer.add("a", new long[] {2, 3}, new float[] {1, -2, 0.5f, 0, 3, 4});
    writer.add("b", new long[] {1}, new float[] {7});
    Path file = directory.resolve("model.safetensors");

    writer.write(file);

    byte[] all = Files.readAllBytes(file);
    ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    int headerLengthBytes = Math.toIntExact(bytes.getLong(0));
    assertEquals(0, headerLengthBytes % 8);
    assertEquals(8 + headerLengthBytes + 14, all.length);
    JsonNode header = new ObjectMapper().readTree(all, 8, headerLengthBytes);
    assertEquals("pt", header.at("/__metadata__/format").asText());
    assertEquals("BF16", header.at("/a/dtype").asText());
    assertEquals("[2,3]", header.at("/a/shape").toString());
    assertEquals("[0,12]", header.at("/a/data_offsets").toString());
    assertEquals("[12,14]", header.at("/b/data_offsets").toString());
    assertEquals((short) 0x3F80, bytes.getShort(8 + headerLengthBytes));
    assertEquals((short) 0x40E0, bytes.getShort(8 + headerLengthBytes + 12));
  }

  @Test
  void shouldRoundToTheNearestBf16WithTiesToEven() {
    float[] values = {
      1,
      Float.intBitsToFloat(0x3F808000),
      Float.intBitsToFloat(0x3F818000),
      Float.intBitsToFloat(0x3F808001),
      Float.MAX_VALUE,
      Float.NaN,
      -0f
    };
    short[] rounded = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = SafetensorsWriter.bf16(values[i]);
    }
    assertArrayEquals(
        new short[] {
          0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x7F80, 0x7FC0, (short) 0x8000,
        },
        rounded);
  }

  @Test
  void shouldRefuseShapesAndNamesThatDoNotFit() {
    SafetensorsWriter writer = new SafetensorsWriter(Map.of());
    writer.add("a", new long[] {1}, new float[1]);

    assertThrows(
        IllegalArgumentException.class, () -> writer.add("b", new long[] {2, 2}, new float[3]));
    assertThrows(
        IllegalArgumentException.class, () -> writer.add("a", new long[] {1}, new float[1]));
  }
}
