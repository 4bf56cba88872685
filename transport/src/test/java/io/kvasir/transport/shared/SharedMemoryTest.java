package io.kvasir.transport.shared;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.Region;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.MemoryHub;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An owner's regions in files, and what a reader on the same host makes of them. */
final class SharedMemoryTest {
  private static final long NODE = 7;
  private static final long LIFE = 0x1122334455667788L;
  private static final int SLOT_BYTES = 64 << 10;
  private static final int SLOTS = 4;
  private static final long PLENTY = 1L << 30;

  @TempDir private Path base;
  private final Arena arena = Arena.ofShared();
  private final LongAdder copied = new LongAdder();
  private final MemorySegment target = arena.allocate(SLOT_BYTES);
  private final BlockTransport transport =
      Transports.start(
          TransportConfig.of(NODE, LIFE),
          counters -> new MemoryHub().medium(),
          (peer, key) -> null,
          BlockSink.NONE,
          Transports.Options.DEFAULT.driven());
  private SharedFolder folder;

  @BeforeEach
  void open() throws IOException {
    folder = SharedFolder.open(base, NODE, LIFE, () -> PLENTY);
  }

  @AfterEach
  void close() throws IOException {
    folder.close();
    transport.close();
    arena.close();
    try (Stream<Path> left = Files.list(base)) {
      assertEquals(List.of(), left.toList());
    }
  }

  private Region region(Arena owner) {
    return folder.region(transport, owner, (long) SLOTS * SLOT_BYTES, SLOT_BYTES);
  }

  private PeerMemory reader() {
    return PeerMemory.open(base, NODE, LIFE, copied);
  }

  private static MemorySegment slot(Region region, int slot) {
    return region.memory().asSlice((long) slot * SLOT_BYTES, SLOT_BYTES);
  }

  private Path file(Region region) {
    return base.resolve(SharedLayout.folder(NODE, LIFE)).resolve("region-" + region.id());
  }

  @Test
  void shouldCopyWhatTheOwnerWrote() {
    Region region = region(arena);
    try (PeerMemory reader = reader()) {
      for (int slot = 0; slot < SLOTS; slot++) {
        region.renew(slot);
        slot(region, slot).fill((byte) (slot + 1));
        assertTrue(reader.copy(region.ref(slot), target));
        assertEquals(-1, target.mismatch(slot(region, slot)));
      }
      assertEquals((long) SLOTS * SLOT_BYTES, copied.sum());
    }
  }

  @Test
  void shouldCopyNoMoreThanIsAskedFor() {
    Region region = region(arena);
    slot(region, 1).fill((byte) 5);
    target.fill((byte) 9);
    try (PeerMemory reader = reader()) {
      assertTrue(reader.copy(region.ref(1), target.asSlice(0, 100)));
      assertEquals(5, target.get(ValueLayout.JAVA_BYTE, 99));
      assertEquals(9, target.get(ValueLayout.JAVA_BYTE, 100));
      MemorySegment longer = arena.allocate(SLOT_BYTES + 1);
      assertFalse(reader.copy(region.ref(1), longer), "more than a slot has");
    }
  }

  @Test
  void shouldRefuseASlotThatIsNotThere() {
    Region region = region(arena);
    try (PeerMemory reader = reader()) {
      assertFalse(reader.copy(new BlockRef(region.id(), SLOTS, 0), target));
      assertFalse(reader.copy(new BlockRef(region.id(), -1, 0), target));
      assertFalse(reader.copy(new BlockRef(region.id() + 1, 0, 0), target));
      assertFalse(reader.copy(new BlockRef(-1, 0, 0), target));
    }
    assertEquals(0, copied.sum());
  }

  @Test
  void shouldRefuseWhatHasBeenRenewed() {
    Region region = region(arena);
    BlockRef before = region.ref(2);
    try (PeerMemory reader = reader()) {
      assertTrue(reader.copy(before, target));
      region.renew(2);
      assertFalse(reader.copy(before, target));
      assertTrue(reader.copy(region.ref(2), target));
    }
  }

  /** The owner goes on writing; whatever a reader is told to be whole must be of one generation. */
  @Test
  void shouldNeverGiveHalfOfOneContentAndHalfOfAnother() throws InterruptedException {
    Region region = region(arena);
    AtomicBoolean done = new AtomicBoolean();
    AtomicInteger sealed = new AtomicInteger();
    Thread owner =
        new Thread(
            () -> {
              while (!done.get()) {
                int generation = region.renew(0);
                slot(region, 0).fill((byte) generation);
                sealed.set(generation);
                // As long as writing took, so that some copies find it at rest.
                long restNs = System.nanoTime() + 20_000;
                while (System.nanoTime() < restNs) {
                  Thread.onSpinWait();
                }
              }
            });
    int whole = 0;
    try (PeerMemory reader = reader()) {
      owner.start();
      for (int tries = 0; whole < 200 && tries < 2_000_000; tries++) {
        int generation = sealed.get();
        if (reader.copy(new BlockRef(region.id(), 0, generation), target)) {
          for (int i = 0; i < SLOT_BYTES; i += 64) {
            assertEquals((byte) generation, target.get(ValueLayout.JAVA_BYTE, i), "torn at " + i);
          }
          whole++;
        }
      }
    } finally {
      done.set(true);
      owner.join();
    }
    assertTrue(whole > 0, "no copy succeeded");
  }

  @Test
  void shouldEndWithTheRegion() {
    Region region;
    try (PeerMemory reader = reader();
        Arena own = Arena.ofShared()) {
      region = region(own);
      BlockRef ref = region.ref(0);
      assertTrue(reader.copy(ref, target));
      region.close().join();
      assertFalse(Files.exists(file(region)));
      assertFalse(reader.copy(ref, target));
      // Its id is free again: the reader meets the next region under it, not the old memory.
      Region next = region(arena);
      assertEquals(region.id(), next.id());
      slot(next, 0).fill((byte) 77);
      assertTrue(reader.copy(next.ref(0), target));
      assertEquals(77, target.get(ValueLayout.JAVA_BYTE, 0));
    }
  }

  @Test
  void shouldEndWithTheReader() {
    Region region = region(arena);
    PeerMemory reader = reader();
    assertTrue(reader.copy(region.ref(0), target));
    reader.close();
    assertFalse(reader.copy(region.ref(0), target));
    reader.close();
  }

  @Test
  void shouldLookAtASlotUntilItIsRenewed() {
    Region region = region(arena);
    slot(region, 1).fill((byte) 5);
    try (PeerMemory reader = reader()) {
      assertTrue(reader.hold());
      PeerMemory.View view = reader.view(region.ref(1), 100);
      assertEquals(100, view.bytes().byteSize());
      assertEquals(5, view.bytes().get(ValueLayout.JAVA_BYTE, 99));
      assertTrue(view.bytes().isReadOnly());
      assertTrue(view.holds());
      BlockRef before = region.ref(1);
      region.renew(1);
      assertFalse(view.holds());
      assertNull(reader.view(before, 100));
      assertNull(reader.view(region.ref(1), SLOT_BYTES + 1), "more than a slot has");
      reader.release();
    }
  }

  @Test
  void shouldNotTakeASlotOfTheNextRegionForTheOneThatWasSeen() {
    try (PeerMemory reader = reader();
        Arena own = Arena.ofShared()) {
      assertTrue(reader.hold());
      Region region = region(own);
      PeerMemory.View view = reader.view(region.ref(0), 100);
      region.close().join();
      assertFalse(view.holds());
      Region next = region(arena);
      assertEquals(region.id(), next.id());
      assertEquals(region.ref(0), next.ref(0), "a reference alone does not tell them apart");
      assertTrue(reader.view(next.ref(0), 100).holds());
      assertFalse(view.holds());
      reader.release();
    }
  }

  @Test
  void shouldStayMappedForWhoHoldsIt() {
    Region region = region(arena);
    slot(region, 0).fill((byte) 3);
    PeerMemory reader = reader();
    assertTrue(reader.hold());
    PeerMemory.View view = reader.view(region.ref(0), SLOT_BYTES);
    reader.close();
    assertFalse(view.holds(), "what is read from here on does not count");
    assertEquals(3, view.bytes().get(ValueLayout.JAVA_BYTE, 7), "but can be read");
    assertFalse(reader.hold());
    assertNull(reader.view(region.ref(0), 1));
    reader.release();
    assertThrows(IllegalStateException.class, () -> view.bytes().get(ValueLayout.JAVA_BYTE, 7));
  }

  @Test
  void shouldNotKnowAnotherLife() {
    assertNull(PeerMemory.open(base, NODE, LIFE + 1, copied));
    assertNull(PeerMemory.open(base, NODE + 1, LIFE, copied));
  }

  @Test
  void shouldMakeNothingWhereThereIsNoRoom() throws IOException {
    try (SharedFolder full = SharedFolder.open(base, NODE + 1, LIFE, () -> SLOT_BYTES)) {
      assertNull(full.region(transport, arena, (long) SLOTS * SLOT_BYTES, SLOT_BYTES));
      try (Stream<Path> made = Files.list(base.resolve(SharedLayout.folder(NODE + 1, LIFE)))) {
        assertEquals(List.of(), made.toList());
      }
    }
  }

  @Test
  void shouldMakeNothingWhereTheRoomIsNotKnown() throws IOException {
    try (SharedFolder blind =
        SharedFolder.open(
            base,
            NODE + 1,
            LIFE,
            () -> {
              throw new UncheckedIOException(new IOException("too many open files"));
            })) {
      assertNull(blind.region(transport, arena, (long) SLOTS * SLOT_BYTES, SLOT_BYTES));
    }
  }

  @Test
  void shouldKeepGenerationsForWhoComesLate() throws IOException {
    SharedFolder early = SharedFolder.open(base, NODE + 1, LIFE, () -> PLENTY);
    Region region = early.region(transport, arena, (long) SLOTS * SLOT_BYTES, SLOT_BYTES);
    early.close();
    assertEquals(1, region.renew(0));
    assertEquals(1, region.ref(0).generation());
  }

  @Test
  void shouldLetNobodyElseIn() throws IOException {
    Region region = region(arena);
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(file(region).getParent())));
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file(region))));
  }

  @Test
  void shouldHaveAHeadOfTheseBytes() throws IOException {
    Region region = region(arena);
    region.renew(1);
    byte[] head = new byte[SharedLayout.HEADER_BYTES + 4 * SLOTS];
    try (var in = Files.newInputStream(file(region))) {
      assertEquals(head.length, in.readNBytes(head, 0, head.length));
    }
    assertEquals(ByteOrder.LITTLE_ENDIAN, ByteOrder.nativeOrder(), "the bytes below are");
    assertArrayEquals(
        HexFormat.ofDelimiter(" ")
            .parseHex(
                "4b 56 53 52 01 00 00 00 07 00 00 00 00 00 00 00 "
                    + "88 77 66 55 44 33 22 11 00 00 00 00 01 00 00 00 "
                    + "00 00 01 00 04 00 00 00 00 10 00 00 00 00 00 00 "
                    + "00 10 04 00 00 00 00 00 00 00 00 00 00 00 00 00 "
                    + "00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00"),
        head);
  }

  /** Offset, length and value of what is spoiled. */
  private void refuses(long at, int length, long value) throws IOException {
    try (Arena own = Arena.ofShared()) {
      Region region = region(own);
      ByteBuffer spoiled = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, value);
      try (FileChannel channel = FileChannel.open(file(region), StandardOpenOption.WRITE)) {
        channel.write(spoiled.limit(length), at);
      }
      try (PeerMemory reader = reader()) {
        assertNotNull(reader);
        assertFalse(reader.copy(region.ref(0), target), "spoiled at " + at);
      }
      region.close().join();
    }
  }

  @Test
  void shouldRefuseAFileThatIsNotWhatItShouldBe() throws IOException {
    refuses(0, 4, 1);
    refuses(4, 4, 2);
    refuses(8, 8, NODE + 1);
    refuses(16, 8, LIFE + 1);
    refuses(24, 4, 200);
    refuses(28, 4, SharedLayout.MAKING);
    refuses(32, 4, 2 * SLOT_BYTES);
    refuses(32, 4, -1);
    refuses(36, 4, 1 << 30);
    refuses(40, 8, 0);
    refuses(48, 8, 1L << 40);
  }

  @Test
  void shouldNotKeepWhatItRefused() throws IOException {
    Region region = region(arena);
    try (FileChannel channel = FileChannel.open(file(region), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(4), 0);
    }
    long before = mappings();
    try (PeerMemory reader = reader()) {
      for (int block = 0; block < 20; block++) {
        assertFalse(reader.copy(region.ref(0), target));
      }
      assertEquals(before, mappings());
    }
  }

  /** Of this process, of files below the test's folder. */
  private long mappings() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.filter(line -> line.contains(base.toString())).count();
    }
  }

  @Test
  void shouldSurviveAFileThatIsCutShort() throws IOException {
    Region region = region(arena);
    try (PeerMemory reader = reader()) {
      assertTrue(reader.copy(region.ref(3), target));
      try (FileChannel channel = FileChannel.open(file(region), StandardOpenOption.WRITE)) {
        channel.truncate(SharedLayout.slotsOffset(SLOTS));
      }
      assertFalse(reader.copy(region.ref(3), target));
    }
  }
}
