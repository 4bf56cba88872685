package io.kvasir.transport.shared;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockRef;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Memory of another process: read while it lives, kept by who has mapped it, swept afterwards. */
@ExtendWith(ProcessExtension.class)
final class SharingProcessTest {
  private static final BlockRef SECOND_SLOT = new BlockRef(0, 1, 1);

  @TempDir private Path base;

  private ChildProcess node(ProcessFixture fixture, long id) {
    return fixture.start(
        JvmSpec.of("node-" + id, SharingMain.class, base.toString(), "" + id, "5")
            .withReady("sharing region 0"));
  }

  private List<String> left() throws IOException {
    try (Stream<Path> files = Files.list(base)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void shouldReadANodeThatDiesMeanwhileAndSweepIt(ProcessFixture fixture) throws IOException {
    ChildProcess killed = node(fixture, 1);
    ChildProcess other = node(fixture, 2);
    try (Arena arena = Arena.ofConfined();
        PeerMemory memory = PeerMemory.open(base, 1, 5, new LongAdder())) {
      assertNotNull(memory);
      MemorySegment target = arena.allocate(SharingMain.SLOT_BYTES);
      assertTrue(memory.copy(SECOND_SLOT, target));
      assertEquals(
          SharingMain.CONTENT, target.get(ValueLayout.JAVA_BYTE, SharingMain.SLOT_BYTES - 1));

      killed.kill();
      killed.awaitExit(Duration.ofSeconds(30));
      SharedFolder.open(base, 3, 5, () -> 0).close();
      assertEquals(
          List.of(SharedLayout.folder(2, 5), SharedLayout.folder(2, 5) + ".lock"),
          left(),
          "the dead node's folder is swept, the living one's is not");
      assertTrue(memory.copy(SECOND_SLOT, target), "what is mapped is not taken away");
    }
    assertNull(PeerMemory.open(base, 1, 5, new LongAdder()));

    other.endInput();
    assertEquals(0, other.awaitExit(Duration.ofSeconds(30)), other::lastWords);
    assertFalse(Files.exists(base.resolve(SharedLayout.folder(2, 5))));
    assertEquals(List.of(), left());
  }
}
