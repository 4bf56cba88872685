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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Three JVMs that all tests share; those that pause or kill one come last, because what starts anew
 * is slow for a while.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ClusterScenariosTest {
  private static ClusterUnderTest cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = new ClusterUnderTest(3, List.of("-XX:+UseSerialGC"), Map.of());
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
  }

  private static void shouldHold(Scenario<ClusterUnderTest> scenario, Scale scale) {
    Verdict verdict = scenario.run(cluster, scale);
    System.out.println(verdict);
    assertTrue(verdict.held(), verdict::toString);
  }

  @Test
  @Order(1)
  void shouldHitOnOneNodeWhatAnotherHasComputed() {
    shouldHold(new A1SameKeys(), Scale.EVERYDAY);
  }

  @Test
  @Order(2)
  void shouldGiveBackEveryLeasedByte() {
    shouldHold(new A2LeasedBytes(), Scale.EVERYDAY);
  }

  @Test
  @Order(3)
  void shouldGiveNoCreditForAClearedCache() {
    shouldHold(new A9ClearedCache(), Scale.EVERYDAY);
  }

  @Test
  @Order(4)
  void shouldKeepTenantsApartOnEveryTier() {
    shouldHold(new A14Tenants(), Scale.EVERYDAY);
  }

  @Test
  @Order(5)
  void shouldAccountForEveryPromptToken() {
    shouldHold(new A15Accounting(), Scale.EVERYDAY);
  }

  @Test
  @Order(6)
  void shouldBoundTheMemoryOfTheRouter() {
    shouldHold(new A11BoundedRouter(), Scale.EVERYDAY);
  }

  @Test
  @Order(7)
  void shouldFenceAnOwnerThatWasPaused() {
    shouldHold(new A7PausedOwner(), Scale.EVERYDAY);
  }

  @Test
  @Order(8)
  void shouldGoOnWithoutTheCoordinator() {
    shouldHold(new A8LostCoordinator(), Scale.EVERYDAY);
  }
}
