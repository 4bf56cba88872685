package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.Aeron;
import io.aeron.AeronCounters;
import io.aeron.CncFileDescriptor;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.agrona.BufferUtil;
import org.agrona.IoUtil;
import org.agrona.SemanticVersion;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.CountersReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedDriverTest {
  private static final Duration BOUND = Duration.ofSeconds(30);
  private static final SizingSettings SMALL =
      SizingSettings.defaults().change(Map.of("bulk-term", "64 KiB", "max-peers", 1));

  @TempDir private Path temp;
  private final ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();

  private DriverHandle open() {
    return MediaDrivers.open(
        DriverSettings.defaults().withBaseFolder(temp.resolve("base")), SMALL, errors::add);
  }

  /** Sends one message to itself through the driver. */
  static void sendThrough(DriverHandle handle, ConcurrentLinkedQueue<Throwable> errors) {
    try (Aeron client = Aeron.connect(handle.clientContext("test", errors::add));
        Subscription subscription = client.addSubscription("aeron:ipc", 7);
        ExclusivePublication publication = client.addExclusivePublication("aeron:ipc", 7)) {
      UnsafeBuffer message = new UnsafeBuffer(new byte[] {1, 2, 3});
      TestTime.await(BOUND, () -> "sent", () -> publication.offer(message) > 0);
      int[] received = new int[1];
      TestTime.await(
          BOUND,
          () -> "received",
          () -> subscription.poll((buffer, offset, length, header) -> received[0] = length, 1) > 0);
      assertEquals(3, received[0]);
    }
  }

  @Test
  void shouldCarryDataInAPrivateFolderAndLeaveNone() throws IOException {
    DriverHandle handle = open();
    sendThrough(handle, errors);
    assertTrue(handle.isEmbedded());
    assertEquals(ProcessHandle.current().pid(), handle.ownerPid());
    for (Path path : List.of(handle.folder().getParent(), temp.resolve("base"))) {
      assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }
    assertNull(handle.loss());
    handle.close();
    handle.close();
    try (Stream<Path> left = Files.list(temp.resolve("base"))) {
      assertEquals(List.of(), left.toList());
    }
    assertEquals(List.of(), List.copyOf(errors));
  }

  @Test
  void shouldGiveEachIncarnationItsOwnFolder() {
    try (DriverHandle one = open();
        DriverHandle other = open()) {
      assertNotEquals(one.folder(), other.folder());
      assertNotEquals(one.driverId(), other.driverId());
      sendThrough(one, errors);
      sendThrough(other, errors);
    }
  }

  @Test
  void shouldAttachToAnExternalDriverAndNeverEndIt() {
    try (DriverHandle own = open()) {
      DriverSettings external =
          DriverSettings.defaults()
              .change(Map.of("mode", "external", "external-folder", own.folder().toString()));
      DriverHandle attached = MediaDrivers.open(external, SMALL, errors::add);
      DriverHandle second = MediaDrivers.open(external, SMALL, errors::add);
      assertEquals(attached.driverId(), second.driverId());
      second.close();
      attached.close();
      sendThrough(own, errors);
    }
  }

  @Test
  void shouldReportTheLossOfADriverThatCloses() {
    DriverHandle own = open();
    DriverSettings external =
        DriverSettings.defaults()
            .change(Map.of("mode", "external", "external-folder", own.folder().toString()));
    ConcurrentLinkedQueue<DriverLoss> losses = new ConcurrentLinkedQueue<>();
    try (DriverHandle attached = MediaDrivers.open(external, SMALL, errors::add)) {
      attached.onLoss(losses::add);
      own.onLoss(losses::add);
      own.close();
      TestTime.await(BOUND, () -> "the loss is reported", () -> !losses.isEmpty());
      attached.onLoss(losses::add);
    }
    DriverLoss loss = new DriverLoss(DriverLoss.Cause.CLOSED, own.folder());
    assertEquals(List.of(loss, loss), List.copyOf(losses), "to the attached, never to the closer");
  }

  @Test
  void shouldRefuseADriverOfAnotherAeronRelease() throws IOException {
    try (DriverHandle own = open()) {
      MappedByteBuffer cnc =
          IoUtil.mapExistingFile(own.folder().resolve("cnc.dat").toFile(), "cnc");
      UnsafeBuffer values =
          CncFileDescriptor.createCountersValuesBuffer(
              cnc, CncFileDescriptor.createMetaDataBuffer(cnc));
      values.putLong(
          CountersReader.counterOffset(AeronCounters.SYSTEM_COUNTER_ID_AERON_VERSION),
          SemanticVersion.compose(1, 40, 0));
      BufferUtil.free(cnc);
      DriverSettings external =
          DriverSettings.defaults()
              .change(Map.of("mode", "external", "external-folder", own.folder().toString()));
      String refused =
          assertThrows(
                  ConfigurationException.class,
                  () -> MediaDrivers.open(external, SMALL, errors::add))
              .getMessage();
      assertTrue(
          refused.contains("of Aeron 1.40.0, this node of " + MediaDrivers.AERON_VERSION), refused);
    }
  }

  @Test
  void shouldLogEachKindOfErrorOnceAndOnlySoManyKinds() {
    DistinctErrors distinct = new DistinctErrors();
    int logged = 0;
    for (int i = 0; i < 3 * DistinctErrors.MAX_KINDS; i++) {
      RuntimeException error = new IllegalStateException("value " + i);
      error.setStackTrace(
          new StackTraceElement[] {new StackTraceElement("A", "b", "A.java", i % 100)});
      logged += distinct.isNew(error) ? 1 : 0;
    }
    assertEquals(DistinctErrors.MAX_KINDS, logged);
  }

  @Test
  void shouldNameAnExternalFolderWithoutADriver() {
    DriverSettings external =
        DriverSettings.defaults()
            .change(Map.of("mode", "external", "external-folder", temp.toString()));
    String refused =
        assertThrows(
                ConfigurationException.class, () -> MediaDrivers.open(external, SMALL, errors::add))
            .getMessage();
    assertTrue(refused.contains("external-folder=" + temp + " has no driver"), refused);
  }
}
