package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Starts on a small tmpfs of their own, in a mount namespace that dies with the process. Where that
 * may not be made (some containers) the start is refused on the real file system, by terms that no
 * machine has room for; {@link LogSizingTest} has the arithmetic for any view of a file system.
 */
@ExtendWith(ProcessExtension.class)
final class FullMemoryTest {
  private static final Duration BOUND = Duration.ofSeconds(60);

  @TempDir private Path temp;

  /**
   * Opens an embedded driver in args[0] with bulk terms of args[1] for args[2] peers, beside a file
   * of args[3] MiB, and says how that went.
   */
  static final class Opener {
    private Opener() {}

    public static void main(String[] args) throws IOException {
      Path base = Path.of(args[0]).resolve("base");
      Files.write(Path.of(args[0]).resolve("filler"), new byte[Integer.parseInt(args[3]) << 20]);
      SizingSettings sizing =
          SizingSettings.defaults().change(Map.of("bulk-term", args[1], "max-peers", args[2]));
      DriverSettings settings = DriverSettings.defaults().withBaseFolder(base);
      try (DriverHandle handle =
          MediaDrivers.open(settings, sizing, error -> error.printStackTrace())) {
        System.out.println("opened with " + handle.sizing().peerCount() + " peers");
      } catch (ConfigurationException refused) {
        System.out.println("refused: " + refused.getMessage());
      }
      if (Files.exists(base)) {
        try (Stream<Path> left = Files.list(base)) {
          System.out.println("left " + left.toList());
        }
      } else {
        System.out.println("left []");
      }
    }
  }

  private boolean canMount(ProcessFixture fixture) {
    return fixture.launch("probe", inNamespace("true")).awaitExit(BOUND) == 0;
  }

  private List<String> inNamespace(String... command) {
    List<String> all = new ArrayList<>(List.of("unshare", "--mount", "--map-root-user"));
    all.addAll(List.of("sh", "-c", "mount -t tmpfs -o size=32m tmpfs \"$0\" && exec \"$@\""));
    all.add(temp.toString());
    all.addAll(List.of(command));
    return all;
  }

  private String open(ProcessFixture fixture, String name, boolean mounted, String... arguments) {
    List<String> all = new ArrayList<>(List.of(temp.toString()));
    all.addAll(List.of(arguments));
    String[] command =
        JvmSpec.of(name, Opener.class, all.toArray(new String[0])).command().toArray(new String[0]);
    ChildProcess child = fixture.launch(name, mounted ? inNamespace(command) : List.of(command));
    String outcome = child.awaitLine("^(opened|refused).*", BOUND).group();
    assertEquals("left []", child.awaitLine("^left .*", BOUND).group());
    assertEquals(0, child.awaitExit(BOUND));
    return outcome;
  }

  @Test
  void shouldRefuseWithTheArithmeticAndLeaveNothingWhenTheLogsWouldNotFit(ProcessFixture fixture) {
    if (!canMount(fixture)) {
      System.out.println("no mount namespace here: the refusal is tested on the real file system");
      String refused = open(fixture, "huge", false, "1 GiB", "1024", "0");
      assertTrue(refused.contains("= 6295104 MiB, and"), refused);
      return;
    }
    // 3 x (64 + 256 + 64) KiB x 2 = 2.25 MiB a peer beside 13 MiB of the driver, in 32 MiB.
    assertEquals("opened with 8 peers", open(fixture, "fits", true, "64 KiB", "8", "0"));
    String refused = open(fixture, "filled", true, "64 KiB", "8", "2");
    assertTrue(refused.contains("x 8 peers x 1 nodes on this host = 18.2 MiB"), refused);
    assertTrue(refused.contains(temp + "/base has 30 MiB free"), refused);
  }
}
