package io.kvasir.node.bench.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The ways of the bench end to end in real processes; their figures mean nothing here. */
final class TransportBenchTest {
  private static final String OWN =
      "way=kvasir idle=agent threading=auto term=4194304 round-trip=1500us ";

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
      for (String way :
          new String[] {
            aeron + "medium=ipc mtu=65504 send=claim drivers=one",
            aeron + "medium=udp mtu=8192 send=offer drivers=two",
            OWN + "medium=ipc mtu=65504 cipher=none",
            OWN + "medium=udp mtu=8192 cipher=gcm",
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

  /** A bench that goes on until it is interrupted. */
  static final class Endless {
    private Endless() {}

    public static void main(String[] folders) throws Exception {
      Path media = Path.of(folders[0]);
      Path logs = Path.of(folders[1]);
      Interruption.guard(List.of(media, logs));
      Pair pair = new Pair(logs, media);
      String key = pair.open(Spec.parse(OWN + "medium=ipc mtu=65504 cipher=none"));
      System.out.println("moving");
      while (pair.move(key, Regions.BYTES) > 0) {
        // Until the signal.
      }
    }
  }

  @Test
  @Tag("slow")
  @Timeout(180)
  void shouldLeaveNoProcessAndNoFileWhenInterrupted() throws Exception {
    Path media = Pair.mediaFolder();
    Path logs = Files.createDirectory(folder.resolve("logs"));
    Process bench =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Endless.class.getName(),
                media.toString(),
                logs.toString())
            .redirectErrorStream(true)
            .start();
    try (BufferedReader output = bench.inputReader()) {
      assertEquals("moving", output.readLine());
      List<ProcessHandle> children = bench.descendants().toList();
      // Two ends, a worker for bare drivers, and the driver that the two ends share.
      assertEquals(4, children.size(), children::toString);

      new ProcessBuilder("kill", "-INT", Long.toString(bench.pid())).start().waitFor();

      assertEquals(130, bench.waitFor());
      for (ProcessHandle child : children) {
        child.onExit().join();
      }
      assertFalse(Files.exists(media));
      assertFalse(Files.exists(logs));
    } finally {
      bench.destroyForcibly();
    }
  }
}
