package io.kvasir.transport.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class LogSizingTest {
  private static final long MIB = 1 << 20;

  private static HostLimits limits(long freeMib, int socketBytes) {
    return new HostLimits(Path.of("/dev/shm"), freeMib * MIB, 0, socketBytes, socketBytes);
  }

  private static SizingSettings settings(Map<String, ?> keys) {
    return SizingSettings.defaults().change(keys);
  }

  @Test
  void shouldSumThreeTermsOfEveryLaneInBothDirectionsForEveryPeer() {
    SizingSettings settings =
        settings(
            Map.of(
                "max-peers",
                49,
                "bulk-term",
                "4 MiB",
                "small-term",
                "256 KiB",
                "control-term",
                "64 KiB"));
    LogSizing sizing = LogSizing.derive(settings, limits(24_000, 4 << 20));
    long terms = 3 * ((4 << 20) + (256 << 10) + (64 << 10)) + 3 * 4096;
    assertEquals(terms * 2 * 49, sizing.logBytesPerNode());
    assertEquals(sizing.logBytesPerNode() + 13 * MIB, sizing.totalBytes());
    assertEquals(
        3 * sizing.logBytesPerNode() + sizing.fixedBytes(),
        LogSizing.derive(settings.change(Map.of("nodes-per-host", 3)), limits(24_000, 4 << 20))
            .totalBytes());
  }

  @Test
  void shouldTakeTheLargestTermThatTheBudgetAllows() {
    SizingSettings settings = settings(Map.of("max-peers", 10));
    assertEquals(16 << 20, LogSizing.derive(settings, limits(10_000, 4 << 20)).bulk().termBytes());
    LogSizing half = LogSizing.derive(settings, limits(1024, 4 << 20));
    assertEquals(8 << 20, half.bulk().termBytes());
    assertTrue(half.totalBytes() <= 512 * MIB);
    LogSizing budget =
        LogSizing.derive(settings.change(Map.of("budget", "100 MiB")), limits(24_000, 4 << 20));
    assertEquals(1 << 20, budget.bulk().termBytes());
    budget.check(limits(100, 4 << 20), 0);
  }

  @Test
  void shouldKeepEightFramesInATermAndHalfATermInAWindow() {
    LogSizing sizing =
        LogSizing.derive(settings(Map.of("mtu", 65504, "max-peers", 50)), limits(64, 4 << 20));
    assertEquals(512 << 10, sizing.bulk().termBytes());
    assertEquals(256 << 10, sizing.bulk().windowBytes());
    assertEquals(8192, sizing.control().mtuBytes());
    assertEquals(32 << 10, sizing.control().windowBytes());
  }

  @Test
  void shouldOpenTheWindowForBandwidthTimesRoundTrip() {
    LogSizing sizing =
        LogSizing.derive(
            settings(Map.of("bandwidth-per-second", "12500 MB", "round-trip", "100 us")),
            limits(24_000, 4 << 20));
    assertEquals(2 << 20, sizing.bulk().windowBytes());
    assertTrue(sizing.receiveBufferBytes() >= sizing.bulk().windowBytes());
  }

  @Test
  void shouldRefuseWithTheArithmeticWhenMemoryIsShort() {
    SizingSettings settings = settings(Map.of("max-peers", 49, "bulk-term", "1 MiB"));
    LogSizing sizing = LogSizing.derive(settings, limits(64, 4 << 20));
    String refused =
        assertThrows(ConfigurationException.class, () -> sizing.check(limits(64, 4 << 20), 0))
            .getMessage();
    assertTrue(
        refused.startsWith(
            "the logs of 49 peers need 3 terms x (bulk 1 MiB + small 256 KiB + control 64 KiB) x 2"
                + " directions x 49 peers x 1 nodes on this host = 387"),
        refused);
    assertTrue(refused.contains("/dev/shm has 64 MiB free"), refused);
    assertTrue(refused.contains("max-peers") && refused.contains("--shm-size"), refused);
    HostLimits promised =
        new HostLimits(Path.of("/dev/shm"), 1000 * MIB, 700 * MIB, 4 << 20, 4 << 20);
    assertThrows(ConfigurationException.class, () -> sizing.check(promised, 0));
    sizing.check(promised, 200 * MIB);
    sizing.check(limits(1000, 4 << 20), 0);
  }

  @Test
  void shouldRefuseAWindowOrAnMtuAboveTheSocketLimits() {
    HostLimits small = limits(10_000, 200_000);
    LogSizing window = LogSizing.derive(SizingSettings.defaults(), small);
    assertTrue(
        assertThrows(ConfigurationException.class, () -> window.check(small, 0))
            .getMessage()
            .contains("set net.core.rmem_max=262144"));
    HostLimits odd = new HostLimits(Path.of("/dev/shm"), 10_000 * MIB, 0, 4 << 20, 16_000);
    LogSizing mtu = LogSizing.derive(settings(Map.of("mtu", 65504)), odd);
    assertTrue(
        assertThrows(ConfigurationException.class, () -> mtu.check(odd, 0))
            .getMessage()
            .contains("kvasir.transport.sizing.mtu=65504 bytes is above the largest send buffer"));
  }

  @Test
  void shouldExplainEveryLaneAndSocket() {
    SizingSettings settings = settings(Map.of("bulk-term", "4 MiB"));
    assertEquals(
        """
        log memory: 3 terms x (bulk 4 MiB + small 256 KiB + control 64 KiB) x 2 directions x 8 peers\
         x 1 nodes on this host = 207.2 MiB, and 13 MiB for the driver, together 220.2 MiB
        window: 1192.1 MiB per second x 200 us = 244.1 KiB under way at most
        bulk lane: term 4 MiB, window 256 KiB (at most half a term), MTU 1408 bytes (at most an eighth)
        small lane: term 256 KiB, window 128 KiB (at most half a term), MTU 1408 bytes (at most an eighth)
        control lane: term 64 KiB, window 32 KiB (at most half a term), MTU 1408 bytes (at most an eighth)
        sockets: SO_RCVBUF 2 MiB (at least the bulk window), SO_SNDBUF 256 KiB (at least the MTU)
        counters: 1 MiB for 16 per lane and peer beside 1024 of the nodes
        """,
        LogSizing.derive(settings, limits(10_000, 4 << 20)).explain());
  }
}
