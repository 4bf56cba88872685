package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DriverSweepTest {
  private static final long AGE_MS = 60_000;
  private static final long NO_SUCH_PID = (1L << 22) + 7;
  private static final int ELSEWHERE = ~ProcessIdentity.current().spaceTag();

  @TempDir private Path temp;
  private Path base;

  @BeforeEach
  void makeBase() {
    base = temp.resolve("base");
    DriverFolder.ensureBase(base);
  }

  /** The folder that a driver of such a process would have made. */
  private Path folder(int spaceTag, long pid, long start) throws IOException {
    Path path =
        Files.createDirectory(
            base.resolve("driver-host-%08x-%d-%d-%016x".formatted(spaceTag, pid, start, 99L)));
    Files.createFile(path.resolve("lease"));
    Files.createDirectories(path.resolve("aeron").resolve("publications"));
    Files.writeString(path.resolve("aeron").resolve("publications").resolve("1.logbuffer"), "x");
    return path;
  }

  private List<Path> sweep() {
    return DriverSweep.run(base, AGE_MS);
  }

  @Test
  void shouldSweepTheFolderOfAProcessThatIsGone() throws IOException {
    Path dead = folder(ProcessIdentity.current().spaceTag(), NO_SUCH_PID, 5);
    assertEquals(List.of(dead), sweep());
    assertFalse(Files.exists(dead));
  }

  @Test
  void shouldNotMistakeAReusedPidForItsFormerOwner() throws IOException {
    ProcessIdentity self = ProcessIdentity.current();
    Path former = folder(self.spaceTag(), self.pid(), self.start() - 1);
    Path own = folder(self.spaceTag(), self.pid(), self.start());
    assertEquals(List.of(former), sweep());
    assertTrue(Files.exists(own.resolve("aeron")));
  }

  @Test
  void shouldJudgeAProcessOfAnotherPidNamespaceByItsAge() throws IOException {
    Path fresh = folder(ELSEWHERE, NO_SUCH_PID, 5);
    assertEquals(List.of(), sweep());
    FileTime old = FileTime.from(Instant.now().minusMillis(2 * AGE_MS));
    Files.setLastModifiedTime(fresh.resolve("lease"), old);
    Files.setLastModifiedTime(fresh, old);
    assertEquals(List.of(fresh), sweep());
  }

  @Test
  void shouldSpareALiveDriverOfAnotherPidNamespaceForItsHeartbeat() throws IOException {
    Path foreign = folder(ELSEWHERE, NO_SUCH_PID, 5);
    DriverSettings settings = DriverSettings.defaults().withBaseFolder(temp.resolve("other"));
    SizingSettings sizing = SizingSettings.defaults().change(Map.of("bulk-term", "64 KiB"));
    try (DriverHandle handle = MediaDrivers.open(settings, sizing, DriverSweepTest::rethrow)) {
      // Its command file, heartbeat and all, under the foreign folder's name.
      Files.createLink(
          foreign.resolve("aeron").resolve("cnc.dat"), handle.folder().resolve("cnc.dat"));
      FileTime old = FileTime.from(Instant.now().minusMillis(2 * AGE_MS));
      Files.setLastModifiedTime(foreign.resolve("lease"), old);
      Files.setLastModifiedTime(foreign, old);
      assertEquals(List.of(), sweep());
    }
    // It has closed: the same file now says so.
    assertEquals(List.of(foreign), sweep());
  }

  private static void rethrow(Throwable error) {
    throw new AssertionError(error);
  }

  @Test
  void shouldCountAsPromisedWhatALiveDriverHasReservedAndNotMadeWhateverElseIsThere()
      throws IOException {
    ProcessIdentity self = ProcessIdentity.current();
    Path own = folder(self.spaceTag(), self.pid(), self.start());
    Path dead = folder(self.spaceTag(), NO_SUCH_PID, 5);
    Files.writeString(own.resolve("reserved"), "1000");
    Files.writeString(dead.resolve("reserved"), "7000");
    int made = "x".length() + "1000".length();
    assertEquals(1000 - made, DriverSweep.promisedBytes(base, AGE_MS));
    Files.write(temp.resolve("somebody-else"), new byte[5000]);
    assertEquals(1000 - made, DriverSweep.promisedBytes(base, AGE_MS));
    Files.write(own.resolve("aeron").resolve("2.logbuffer"), new byte[600]);
    assertEquals(400 - made, DriverSweep.promisedBytes(base, AGE_MS));
    Files.write(own.resolve("aeron").resolve("3.logbuffer"), new byte[600]);
    assertEquals(0, DriverSweep.promisedBytes(base, AGE_MS));
  }

  @Test
  void shouldLeaveAloneWhatIsNotADriversFolder() throws IOException {
    Path target = Files.createDirectory(temp.resolve("precious"));
    Files.writeString(target.resolve("file"), "x");
    String deadName = "driver-host-%08x-%d-%d-%016x";
    int tag = ProcessIdentity.current().spaceTag();
    Files.createSymbolicLink(base.resolve(deadName.formatted(tag, NO_SUCH_PID, 1, 2)), target);
    Files.createDirectory(base.resolve("driver-host-somebody"));
    Files.writeString(base.resolve(deadName.formatted(tag, NO_SUCH_PID, 3, 4)), "a file");
    Path dead = folder(tag, NO_SUCH_PID, 5);
    Files.createSymbolicLink(dead.resolve("link"), target);
    assertEquals(List.of(dead), sweep());
    assertEquals("x", Files.readString(target.resolve("file")));
  }

  @Test
  void shouldRefuseABaseFolderThatOthersCanEnter() throws IOException {
    Path open =
        Files.createDirectory(
            temp.resolve("open"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x---")));
    String refused =
        assertThrows(ConfigurationException.class, () -> DriverFolder.ensureBase(open))
            .getMessage();
    assertTrue(refused.contains("of mode rwx--x---"), refused);
    Path link = Files.createSymbolicLink(temp.resolve("link"), base);
    assertThrows(ConfigurationException.class, () -> DriverFolder.ensureBase(link));
  }
}
