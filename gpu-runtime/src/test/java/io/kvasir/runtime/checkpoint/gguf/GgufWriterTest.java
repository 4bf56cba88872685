package io.kvasir.runtime.checkpoint.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GgufWriterTest {
  @TempDir Path dir;

  @Test
  void shouldWriteHeaderThenAlignedTensors() throws IOException {
    Path file = dir.resolve("x.gguf");
    new GgufWriter()
        .put("a", 7)
        .put("list", new String[] {"xy"})
        .vector("v", new float[] {1, 2, 3})
        .matrix(
            "m",
            GgufType.F16,
            2,
            2,
            (row, target) -> {
              target[0] = row;
              target[1] = -row;
            })
        .write(file);
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals("GGUF", text(in, 4));
    assertEquals(3, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals(2, in.getLong());
    assertEquals("a", text(in, in.getLong()));
    assertEquals(4, in.getInt());
    assertEquals(7, in.getInt());
    assertEquals("list", text(in, in.getLong()));
    assertEquals(9, in.getInt());
    assertEquals(8, in.getInt());
    assertEquals(1, in.getLong());
    assertEquals("xy", text(in, in.getLong()));
    assertEquals("v", text(in, in.getLong()));
    assertEquals(1, in.getInt());
    assertEquals(3, in.getLong());
    assertEquals(0, in.getInt());
    assertEquals(0, in.getLong());
    assertEquals("m", text(in, in.getLong()));
    assertEquals(2, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals(2, in.getLong());
    assertEquals(1, in.getInt());
    assertEquals(32, in.getLong());
    int data = (in.position() + 31) / 32 * 32;
    assertEquals(2f, in.getFloat(data + 4));
    assertEquals(-1f, Float.float16ToFloat(in.getShort(data + 32 + 6)));
    assertEquals(data + 64, in.capacity());
  }

  @Test
  void shouldQuantiseWithinHalfAStepOfTheScale() {
    float[] row = new float[64];
    for (int i = 0; i < 64; i++) {
      row[i] = (float) Math.sin(i * 1.7) * (i < 32 ? 1 : 1000);
    }
    ByteBuffer out = ByteBuffer.allocate(68).order(ByteOrder.LITTLE_ENDIAN);
    GgufType.Q8_0.encode(row, out);
    assertEquals(68, GgufType.Q8_0.rowBytes(64));
    for (int i = 0; i < 64; i++) {
      int block = i / 32 * 34;
      float scale = Float.float16ToFloat(out.getShort(block));
      float value = out.get(block + 2 + i % 32) * scale;
      // Half a step, and the rounding of the stored scale.
      assertTrue(Math.abs(value - row[i]) <= scale * 0.5 + Math.abs(row[i]) * 1e-3, "index " + i);
    }
  }

  @Test
  void shouldKeepZeroBlocksAndRoundBfloat16ToEven() {
    ByteBuffer out = ByteBuffer.allocate(34).order(ByteOrder.LITTLE_ENDIAN);
    GgufType.Q8_0.encode(new float[32], out);
    assertArrayEquals(new byte[34], out.array());
    ByteBuffer half = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    GgufType.BF16.encode(
        new float[] {Float.intBitsToFloat(0x3f808000), Float.intBitsToFloat(0x3f818000)}, half);
    assertEquals(0x3f80, half.getShort(0));
    assertEquals(0x3f82, half.getShort(2));
  }

  @Test
  void shouldRefuseColumnsThatDoNotFillBlocks() {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> new GgufWriter().matrix("m", GgufType.Q8_0, 1, 40, (_, _) -> {}));
    assertTrue(refused.getMessage().contains("columnCount=40"));
  }

  private static String text(ByteBuffer in, long lengthBytes) {
    byte[] bytes = new byte[(int) lengthBytes];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
