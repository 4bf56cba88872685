package io.kvasir.chaos.scenario;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.chaos.Scale;
import io.kvasir.chaos.Scenario;
import io.kvasir.chaos.Verdict;
import io.kvasir.chaos.cluster.ClusterUnderTest;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Scenarios at full length, on three JVMs that compile as in production. */
@Tag("slow")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class LongScenariosTest {
  private static ClusterUnderTest cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = new ClusterUnderTest(3, List.of(), Map.of());
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
  }

  private static void shouldHold(Scenario<ClusterUnderTest> scenario) {
    Verdict verdict = scenario.run(cluster, Scale.FULL);
    System.out.println(verdict);
    assertTrue(verdict.held(), verdict::toString);
  }

  @Test
  @Order(1)
  void shouldGiveBackEveryLeasedByteOfTenThousandRepeats() {
    shouldHold(new A2LeasedBytes());
  }

  @Test
  @Order(2)
  void shouldBoundTheMemoryOfTheRouterInALongRun() {
    shouldHold(new A11BoundedRouter());
  }

  @Test
  @Order(3)
  void shouldRestartNodeByNodeWithoutAnError() {
    shouldHold(new RollingRestart());
  }

  @Test
  @Order(4)
  void shouldFenceAndRestartAnOwnerThatWasPausedForAMinute() {
    shouldHold(new A7PausedOwner());
  }

  @Test
  @Order(5)
  void shouldGiveNoCreditForAClearedCache() {
    shouldHold(new A9ClearedCache());
  }

  @Test
  @Order(6)
  void shouldGoOnWithoutTheCoordinator() {
    shouldHold(new A8LostCoordinator());
  }
}
