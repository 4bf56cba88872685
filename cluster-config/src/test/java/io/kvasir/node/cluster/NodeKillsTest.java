package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.process.ChildProcess;
import io.kvasir.transport.process.FreePorts;
import io.kvasir.transport.process.JvmSpec;
import io.kvasir.transport.process.ProcessExtension;
import io.kvasir.transport.process.ProcessFixture;
import io.kvasir.transport.process.TestTime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Kills members one after another: everybody else must stay. Each killed member comes back at its
 * own address before the next one dies, as its launcher would bring it back.
 */
@ExtendWith(ProcessExtension.class)
final class NodeKillsTest {
  private static final Duration BOUND = Duration.ofMinutes(2);

  /** A fixture starts so many processes at most. */
  private static final int KILLS_PER_FIXTURE = 50;

  @Test
  void shouldLoseNoSecondMemberToOneKill(ProcessFixture processes) {
    kill(processes, 3, 1);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void shouldLoseNoSecondMemberToFiftyKillsOfThree(ProcessFixture processes) {
    kill(processes, 3, KILLS_PER_FIXTURE);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void shouldLoseNoSecondMemberToFiftyKillsOfFive(ProcessFixture processes) {
    kill(processes, 5, KILLS_PER_FIXTURE);
  }

  private static void kill(ProcessFixture processes, int count, int kills) {
    long seed = Long.getLong("kvasir.test.seed", System.nanoTime());
    System.out.println("seed=" + seed + " (-Dkvasir.test.seed=" + seed + " runs the same kills)");
    Random random = new Random(seed);
    List<Integer> ports = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ports.add(FreePorts.next());
    }
    List<ChildProcess> nodes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      nodes.add(start(processes, i, 0, ports));
    }
    awaitViews(nodes, -1);
    for (int round = 1; round <= kills; round++) {
      int victim = random.nextInt(count);
      String removed = "removed: " + ports.get(victim);
      List<Long> before = nodes.stream().map(node -> count(node, removed)).toList();
      nodes.get(victim).kill();
      awaitViews(nodes, victim);
      // A launcher is often faster than the cluster's decision: every second time it is not.
      if (round % 2 == 1) {
        for (int i = 0; i < count; i++) {
          if (i != victim) {
            ChildProcess node = nodes.get(i);
            long seen = before.get(i);
            await(node, "the removal of n" + victim, () -> count(node, removed) > seen);
          }
        }
      }
      nodes.set(victim, start(processes, victim, round, ports));
      awaitViews(nodes, -1);
      for (int i = 0; i < count; i++) {
        ChildProcess node = nodes.get(i);
        assertTrue(node.isAlive(), "n" + i + " fell with n" + victim + " in round " + round);
      }
    }
  }

  private static void awaitViews(List<ChildProcess> nodes, int without) {
    String expected = "view: " + names(nodes.size(), without);
    for (int i = 0; i < nodes.size(); i++) {
      if (i != without) {
        ChildProcess node = nodes.get(i);
        await(
            node,
            expected,
            () ->
                lines(node)
                    .filter(l -> l.startsWith("view: "))
                    .reduce((a, b) -> b)
                    .orElse("")
                    .equals(expected));
      }
    }
  }

  private static void await(ChildProcess node, String what, BooleanSupplier event) {
    TestTime.await(
        BOUND,
        () -> what + " at " + node.name() + "\n" + node.lastWords(),
        () -> {
          assertTrue(node.isAlive(), () -> node.name() + " ended\n" + node.lastWords());
          return event.getAsBoolean();
        });
  }

  private static long count(ChildProcess node, String line) {
    return lines(node).filter(line::equals).count();
  }

  private static Stream<String> lines(ChildProcess node) {
    try {
      return Files.readString(node.stdout()).lines();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ChildProcess start(
      ProcessFixture processes, int index, int life, List<Integer> ports) {
    List<String> arguments = new ArrayList<>(List.of("n" + index, "" + ports.get(index)));
    // The first forms the cluster; in a later life it joins the others.
    for (int i = 0; i < ports.size(); i++) {
      arguments.add("" + ports.get(life == 0 ? i : (index + 1 + i) % ports.size()));
    }
    return processes.start(
        JvmSpec.of("n" + index + "-" + life, BareNode.class, arguments.toArray(String[]::new))
            .withJvmFlags("-XX:TieredStopAtLevel=1", "-Xmx96m"));
  }

  private static String names(int count, int without) {
    StringJoiner names = new StringJoiner(",");
    for (int i = 0; i < count; i++) {
      if (i != without) {
        names.add("n" + i);
      }
    }
    return names.toString();
  }
}
