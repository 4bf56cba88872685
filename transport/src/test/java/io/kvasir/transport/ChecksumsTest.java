package io.kvasir.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class ChecksumsTest {
  @Test
  void shouldCombineLayersToTheChecksumOfTheirBytes() {
    Random random = new Random(1);
    for (int layerBytes : new int[] {1, 2, 3, 7, 64, 1000, 4096, 65_537}) {
      for (int layers : new int[] {1, 2, 5, 33}) {
        byte[] bytes = new byte[layers * layerBytes];
        random.nextBytes(bytes);
        int[] checksums = Checksums.ofLayers(ByteBuffer.wrap(bytes), bytes.length, layers);
        int first = random.nextInt(layers);
        int limit = first + 1 + random.nextInt(layers - first);
        CRC32C crc = new CRC32C();
        crc.update(bytes, first * layerBytes, (limit - first) * layerBytes);
        assertEquals((int) crc.getValue(), Checksums.combine(checksums, first, limit, layerBytes));
      }
    }
  }
}
