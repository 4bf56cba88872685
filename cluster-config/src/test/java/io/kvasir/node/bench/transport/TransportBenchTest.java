package io.kvasir.node.bench.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ways of the bench end to end in real processes; their figures mean nothing here. */
final class TransportBenchTest {
  @TempDir private Path folder;

  @Test
  void shouldKeepTheWordsOfASpec() {
    Spec spec = Spec.parse("move key=load1 bytes=5").with("bytes", 7);
    assertEquals("bytes=7 key=load1", spec.toString());
    assertEquals(spec, Spec.parse(spec.toString()));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> spec.text("term"))
            .getMessage()
            .contains("no term in bytes=7 key=load1"));
  }

  @Test
  void shouldRefuseToMeasureNothing() {
    assertThrows(IllegalArgumentException.class, () -> new TransportBench.Options(0, null, false));
  }

  @Test
  @Tag("slow")
  void shouldMoveEqualBytesEveryWay() throws Exception {
    try (Pair pair = new Pair(folder, Pair.mediaFolder())) {
      String aeron =
          "way=aeron threads=SHARED idle=yield buffer=262144 window=262144 term=4194304 ";
      String own = "way=kvasir idle=agent threading=auto term=4194304 round-trip=1500us ";
      for (String way :
          new String[] {
            aeron + "medium=ipc mtu=65504 send=claim drivers=one",
            aeron + "medium=udp mtu=8192 send=offer drivers=two",
            own + "medium=ipc mtu=65504 cipher=none",
            own + "medium=udp mtu=8192 cipher=gcm",
            "way=tcp chunk=262144 buffer=262144",
            "way=artery chunk=131072 window=16"
          }) {
        String key = pair.open(Spec.parse(way));
        assertTrue(pair.move(key, Regions.BYTES) > 0, way);
        assertTrue(pair.isEqual(), way);
        pair.close(key);
      }
      String key = pair.open(Spec.parse(aeron + "medium=ipc mtu=65504 send=claim drivers=one"));
      Spec took = pair.exchange(key, 16 << 10, 100);
      assertTrue(took.number("p50") > 0 && took.number("p99") >= took.number("p50"), "" + took);
      pair.close(key);
      key = pair.open(Spec.parse("way=peers peers=5"));
      assertTrue(pair.setUp(key) > 0);
      assertTrue(pair.notes(key).number("mapped") > 0);
      pair.close(key);
    }
  }
}
