package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.exceptions.ActiveDriverException;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The host's driver as a real process, with real launchers, signals and a real file system. */
@ExtendWith(ProcessExtension.class)
final class HostDriverTest {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final SizingSettings SMALL =
      SizingSettings.defaults().change(Map.of("bulk-term", "64 KiB", "max-peers", 1));

  @TempDir private Path temp;
  private final ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();

  private static DriverSettings settings(Path base, Map<String, ?> keys) {
    return DriverSettings.defaults()
        .withMode(DriverSettings.Mode.HOST)
        .change(
            Map.of(
                "base-folder",
                base.toString(),
                "log-file",
                base.resolve("../driver.log").toString()))
        .change(keys);
  }

  private DriverSettings settings() {
    return settings(temp.resolve("base"), Map.of());
  }

  private DriverHandle open(ProcessFixture fixture, DriverSettings settings) {
    DriverHandle handle = MediaDrivers.open(settings, SMALL, errors::add);
    fixture.adopt(handle.ownerPid());
    return handle;
  }

  /** A node's launcher: opens the host's driver and holds it until its input ends. */
  static final class Launcher {
    private Launcher() {}

    public static void main(String[] args) throws IOException {
      DriverSettings settings = settings(Path.of(args[0]), Map.of());
      try (DriverHandle handle =
          MediaDrivers.open(settings, SMALL, error -> error.printStackTrace())) {
        System.out.println("driver " + handle.ownerPid() + " " + handle.driverId());
        System.in.read();
      }
    }
  }

  private ChildProcess launcher(ProcessFixture fixture, String name) {
    return fixture.start(JvmSpec.of(name, Launcher.class, temp.resolve("base").toString()));
  }

  private static long driverPid(ProcessFixture fixture, ChildProcess launcher) {
    long pid = Long.parseLong(launcher.awaitLine("^driver (\\d+) ", BOUND).group(1));
    fixture.adopt(pid);
    return pid;
  }

  @Test
  void shouldShareOneDriverAmongRacingLaunchersAndOutliveThem(ProcessFixture fixture) {
    List<ChildProcess> launchers = new ArrayList<>();
    for (String name : List.of("first", "second")) {
      launchers.add(launcher(fixture, name));
    }
    long pid = driverPid(fixture, launchers.getFirst());
    assertEquals(pid, driverPid(fixture, launchers.getLast()));
    launchers.forEach(ChildProcess::kill);
    DriverHandle attached = open(fixture, settings());
    assertEquals(pid, attached.ownerPid());
    assertFalse(attached.isEmbedded());
    EmbeddedDriverTest.sendThrough(attached, errors);
    attached.close();
    assertTrue(Files.exists(attached.folder().resolve("cnc.dat")));
    assertEquals(List.of(), List.copyOf(errors));
  }

  @Test
  void shouldReportAKilledDriverAndStartAnotherAtOnce(ProcessFixture fixture) {
    DriverHandle first = open(fixture, settings());
    ConcurrentLinkedQueue<DriverLoss> losses = new ConcurrentLinkedQueue<>();
    first.onLoss(losses::add);
    long startNs = System.nanoTime();
    ProcessHandle.of(first.ownerPid()).orElseThrow().destroyForcibly();
    TestTime.await(BOUND, () -> "the loss is reported", () -> !losses.isEmpty());
    assertEquals(DriverLoss.Cause.PROCESS_GONE, losses.element().cause());

    // In the folder that it left Aeron itself would refuse until the heartbeat has aged.
    MediaDriver.Context inOldFolder =
        new MediaDriver.Context()
            .aeronDirectoryName(first.folder().toString())
            .driverTimeoutMs(BOUND.toMillis())
            .errorHandler(errors::add);
    assertThrows(ActiveDriverException.class, () -> MediaDriver.launch(inOldFolder).close());

    try (DriverHandle second = open(fixture, settings())) {
      assertNotEquals(first.driverId(), second.driverId());
      assertFalse(Files.exists(first.folder()), "swept");
      EmbeddedDriverTest.sendThrough(second, errors);
      long tookMs = (System.nanoTime() - startNs) / 1_000_000;
      assertTrue(
          tookMs < TestTime.scaled(settings().driverTimeout()).toMillis(),
          "restart within the driver time-out, took " + tookMs + " ms");
    }
    first.close();
    assertEquals(List.of(), List.copyOf(errors));
  }

  @Test
  void shouldReplaceAStoppedDriverWithoutTouchingItsFolder(ProcessFixture fixture)
      throws Exception {
    DriverSettings impatient =
        settings(temp.resolve("base"), Map.of("driver-timeout", "1 s", "idle-exit", "1 s"));
    try (DriverHandle first = open(fixture, impatient)) {
      ConcurrentLinkedQueue<DriverLoss> losses = new ConcurrentLinkedQueue<>();
      first.onLoss(losses::add);
      signal("STOP", first.ownerPid());
      TestTime.await(BOUND, () -> "the loss is reported", () -> !losses.isEmpty());
      assertEquals(DriverLoss.Cause.STALLED, losses.element().cause());
      try (DriverHandle second = open(fixture, impatient)) {
        assertNotEquals(first.ownerPid(), second.ownerPid());
        assertTrue(Files.exists(first.folder().resolve("cnc.dat")));
        EmbeddedDriverTest.sendThrough(second, errors);
      }
      signal("CONT", first.ownerPid());
    }
    // Nobody uses either: both end by themselves and leave nothing.
    TestTime.await(
        BOUND,
        () -> "no driver is left in " + temp.resolve("base"),
        () -> DriverFolder.list(temp.resolve("base")).isEmpty());
    assertEquals(List.of(), List.copyOf(errors));
  }

  private static void signal(String signal, long pid) throws Exception {
    assertEquals(0, new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor());
  }

  @Test
  void shouldConnectTheNextClientToANewDriverAfterALoss(ProcessFixture fixture) {
    try (DriverClients clients = new DriverClients(settings(), SMALL, "test", errors::add)) {
      DriverHandle first = clients.handle();
      fixture.adopt(first.ownerPid());
      clients.get().close();
      ProcessHandle.of(first.ownerPid()).orElseThrow().destroyForcibly();
      TestTime.await(BOUND, () -> "the loss is noticed", () -> first.loss() != null);
      clients.get().close();
      fixture.adopt(clients.handle().ownerPid());
      assertNotEquals(first.driverId(), clients.handle().driverId());
      assertEquals(0, clients.lanes("").udp().getFirst().windowBytes());
    }
    assertEquals(List.of(), List.copyOf(errors));
  }

  @Test
  void shouldSayWhyADriverProcessDidNotComeUp(ProcessFixture fixture) {
    DriverSettings broken =
        settings(temp.resolve("base"), Map.of("jvm-flags", List.of("-XX:NoSuchFlag=1")));
    String refused =
        assertThrows(ConfigurationException.class, () -> open(fixture, broken)).getMessage();
    assertTrue(refused.contains("NoSuchFlag") && refused.contains("driver.log"), refused);
  }
}
