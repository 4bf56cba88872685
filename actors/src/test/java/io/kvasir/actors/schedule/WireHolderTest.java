package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.directory.Holdings.Holder;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/** What a gateway tells of holders, and what a node makes of it. */
final class WireHolderTest {
  private static final LongPredicate ALL = node -> true;
  private static final int TOKENS = 200;
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final BlockKeys KEYS =
      new KeyScheme(16, List.of(new byte[16])).keys("t", new int[TOKENS], TOKENS);

  private static Holder holder(long node, Residence residence, int blocks) {
    BitSet bits = new BitSet();
    bits.set(0, blocks);
    return new Holder(node, node * 100 + 1, residence, List.of(bits));
  }

  private static WireHolder wire(String residence, long... bits) {
    return new WireHolder(1, 101, residence, List.of(bits));
  }

  private static Lookups.Known known(Holdings holdings, long askedNs) {
    return new Lookups.Known(holdings, KEYS, askedNs, null);
  }

  @Test
  void shouldBringHoldersToTheNodeAsTheyWere() {
    Holdings found =
        new Holdings(
            List.of(
                holder(1, Residence.HOST, 12),
                holder(1, Residence.DEVICE, 9),
                holder(-2, Residence.DISK, 3)),
            false);
    assertEquals(found, WireHolder.holdings(WireHolder.of(found, 5, ALL), TOKENS));
    assertEquals(Holdings.NONE, WireHolder.holdings(WireHolder.of(Holdings.NONE, 5, ALL), TOKENS));
  }

  @Test
  void shouldLeaveTheReceiverOutAndThoseThatHaveLeastWhereThereAreTooMany() {
    List<Holder> holders = new ArrayList<>();
    for (int node = 1; node <= 12; node++) {
      holders.add(holder(node, Residence.HOST, node));
    }
    List<WireHolder> told = WireHolder.of(new Holdings(holders, false), 12, ALL);
    assertEquals(
        List.of(11L, 10L, 9L, 8L, 7L, 6L, 5L, 4L), told.stream().map(WireHolder::nodeId).toList());
    told = WireHolder.of(new Holdings(holders, false), 12, node -> node != 10);
    assertEquals(
        List.of(11L, 9L, 8L, 7L, 6L, 5L, 4L, 3L), told.stream().map(WireHolder::nodeId).toList());
  }

  @Test
  void shouldTakeATierOfALaterVersionAsNone() {
    Holdings two = WireHolder.holdings(List.of(wire("HOLOGRAM", 1), wire("HOST", 1)), TOKENS);
    assertEquals(List.of(Residence.HOST), two.holders().stream().map(Holder::residence).toList());
    for (String other : Arrays.asList("HOLOGRAM", "PEER", "REMOTE", null)) {
      // As if nothing had been told, not as if nobody had the blocks.
      assertNull(WireHolder.holdings(List.of(wire(other, 1)), TOKENS), other);
    }
  }

  @Test
  void shouldTakeWhatNoGatewaySendsAsNotTold() {
    assertNull(WireHolder.holdings(null, TOKENS));
    assertNotNull(WireHolder.holdings(Collections.nCopies(8, wire("HOST", 1)), TOKENS));
    assertNull(WireHolder.holdings(Collections.nCopies(9, wire("HOST", 1)), TOKENS));
    assertNotNull(WireHolder.holdings(List.of(wire("HOST", 1, 2, 3, 4)), TOKENS));
    assertNull(WireHolder.holdings(List.of(wire("HOST", 1, 2, 3, 4, 5)), TOKENS));
    for (List<long[]> blocks :
        Arrays.<List<long[]>>asList(null, List.of(), Arrays.asList(new long[1], null))) {
      WireHolder broken = new WireHolder(1, 101, "HOST", blocks);
      assertNull(WireHolder.holdings(List.of(wire("HOST", 1), broken), TOKENS));
    }
  }

  @Test
  void shouldTellOnlyWhatWasJustFound() {
    Holdings found = new Holdings(List.of(holder(3, Residence.HOST, 70)), false);
    List<WireHolder> told = known(found, 500).told(9, SECOND, ALL, 500 + SECOND.toNanos() - 1);
    assertArrayEquals(new long[] {-1, 63}, told.getFirst().blocks().getFirst());
    assertNull(known(found, 500).told(9, SECOND, ALL, 500 + SECOND.toNanos()));
    assertEquals(List.of(), known(Holdings.NONE, 500).told(9, SECOND, ALL, 600));
    assertNull(known(found, 500).told(9, Duration.ZERO, ALL, 500));
  }

  @Test
  void shouldTellNothingOfALookupThatWasLateOrNeverMade() {
    Holdings half = new Holdings(List.of(holder(3, Residence.HOST, 70)), true);
    assertNull(known(half, 500).told(9, SECOND, ALL, 600));
    assertNull(Lookups.Known.LATE.told(9, SECOND, ALL, 1));
    assertNull(Lookups.Known.UNASKED.told(9, SECOND, ALL, 1));
  }
}
