package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.Invitation;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.FreePorts;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What the module's README says is what the module does. */
@ExtendWith(ProcessExtension.class)
final class ReadmeTest {
  private static final Duration BOUND = Duration.ofSeconds(60);

  @TempDir private Path temp;

  private static String readme() throws IOException {
    return Files.readString(Path.of(System.getProperty("kvasir.root"), "transport", "README.md"));
  }

  @Test
  void shouldRunTheProgramAsPrinted(ProcessFixture fixture) throws IOException {
    Matcher block = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL).matcher(readme());
    assertTrue(block.find(), "the README has a Java program");
    Path program = Files.writeString(temp.resolve("Demo.java"), block.group(1));
    Path base = temp.resolve("base");
    String port = Integer.toString(FreePorts.next());
    List<ChildProcess> children = new ArrayList<>();
    for (String role : List.of("serve", "fetch")) {
      List<String> command =
          new ArrayList<>(
              JvmSpec.of(role, ReadmeTest.class, role, port)
                  .withJvmFlags(
                      "-Dkvasir.transport.driver.base-folder=" + base,
                      "-Dkvasir.transport.driver.log-file=" + temp.resolve("driver.log"))
                  .command());
      command.set(command.indexOf(ReadmeTest.class.getName()), program.toString());
      if (role.equals("fetch")) {
        // The second process finds the first one's driver and socket.
        TestTime.await(BOUND, () -> "the first listens", () -> isListening(port));
      }
      children.add(fixture.launch(role, command));
    }
    ChildProcess fetch = children.getLast();
    fetch.awaitLine("^\\[Delivered\\[\\]\\] a block of the other process$", BOUND);
    DriverFolder.list(base).forEach(folder -> fixture.adopt(folder.owner().pid()));
    children.forEach(child -> assertEquals(0, child.awaitExit(BOUND), child.lastWords()));
  }

  private static boolean isListening(String port) {
    try (Stream<String> sockets =
        Stream.concat(
            Files.lines(Path.of("/proc/net/tcp")), Files.lines(Path.of("/proc/net/tcp6")))) {
      String local = ":%04X ".formatted(Integer.parseInt(port));
      return sockets.anyMatch(line -> line.contains(local) && line.contains(" 0A "));
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void shouldPrintTheArithmeticThatTheCodeDoes() throws IOException {
    SizingSettings settings = SizingSettings.defaults().change(Map.of("bulk-term", "4 MiB"));
    HostLimits limits = new HostLimits(Path.of("/dev/shm"), 10L << 30, 0, 4 << 20, 4 << 20);
    assertTrue(readme().contains(LogSizing.derive(settings, limits).explain()));
  }

  @Test
  void shouldListEveryCounter() throws IOException {
    String text = readme();
    for (TransportCounter counter : TransportCounter.values()) {
      String row = "| %d | `%s` | %s |".formatted(counter.id(), counter, counter.meaning());
      assertTrue(text.contains(row), row);
    }
  }

  @Test
  void shouldReadInvitationsBackFromText() {
    Invitation shared = new Invitation(1, -2, 3, 4, "", 5, -6);
    Invitation udp = new Invitation(1, 2, 3, 4, "host:7", 5, 6);
    assertEquals(shared, Invitation.parse(shared.toText()));
    assertEquals(udp, Invitation.parse(udp.toText()));
    assertThrows(IllegalArgumentException.class, () -> Invitation.parse("hello"));
    assertThrows(
        IllegalArgumentException.class,
        () -> Invitation.parse(udp.toText().replace("invitation-1", "invitation-2")));
  }
}
