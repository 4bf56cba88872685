package io.kvasir.actors.directory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.cluster.CborGolden;
import io.kvasir.actors.directory.DirectoryMessage.Announce;
import io.kvasir.actors.directory.DirectoryMessage.Announced;
import io.kvasir.actors.directory.DirectoryMessage.Found;
import io.kvasir.actors.directory.DirectoryMessage.Held;
import io.kvasir.actors.directory.DirectoryMessage.Lookup;
import io.kvasir.actors.directory.DirectoryMessage.Resync;
import io.kvasir.actors.directory.DirectoryMessage.Widen;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class DirectoryMessageTest {
  private static CborGolden golden;

  @BeforeAll
  static void start() {
    golden = new CborGolden(DirectoryMessageTest.class);
  }

  @AfterAll
  static void stop() {
    golden.close();
  }

  private static Announce announce(long[] keys, byte[] tiers) {
    return new Announce(1, -2, 3, 4, true, 5, 6, keys, tiers, golden.ref());
  }

  @Test
  void shouldTravelAsTheseBytes() {
    golden.check("announce-1", announce(new long[] {7, -8, 9, 10}, new byte[] {1, 0}));
    golden.check("announced-1", new Announced(1, -2, 3, 4));
    golden.check("resync-1", new Resync(1, -2, 3));
    golden.check("widen-1", new Widen(1, 4, new long[] {5, -6}));
    golden.check("lookup-1", new Lookup(1, 2, 3, -4, new long[] {5, 6}, golden.ref()));
    golden.check(
        "found-1",
        new Found(1, 2, 3, true, 4, List.of(new Held(5, -6, 1, new long[] {7, Long.MIN_VALUE}))));
  }

  @Test
  void shouldReadMissingFieldsAsNone() {
    golden.readsWithout(
        announce(new long[] {7, 8}, new byte[] {1}),
        announce(new long[0], new byte[0]),
        "keys",
        "tiers");
    golden.readsWithout(new Widen(1, 4, new long[] {5}), new Widen(1, 4, new long[0]), "roots");
    golden.readsWithout(
        new Lookup(1, 2, 3, 4, new long[] {5, 6}, golden.ref()),
        new Lookup(1, 2, 3, 4, new long[0], golden.ref()),
        "keys");
    golden.readsWithout(
        new Found(1, 2, 3, true, 4, List.of()),
        new Found(1, 2, 3, false, 0, null),
        "complete",
        "copies",
        "held");
  }

  @Test
  void shouldStayBelow64KiBWhenFull() {
    long[] keys = new long[2 * DirectoryMessage.MAX_KEYS];
    Arrays.fill(keys, Long.MIN_VALUE);
    byte[] tiers = new byte[DirectoryMessage.MAX_KEYS];
    List<Held> held = new ArrayList<>();
    long[] places = new long[DirectoryMessage.MAX_KEYS / Long.SIZE];
    Arrays.fill(places, Long.MIN_VALUE);
    for (int i = 0; i < CopyTable.MAX_HELD; i++) {
      held.add(new Held(Long.MIN_VALUE, Long.MIN_VALUE, 1, places));
    }
    assertFits(golden.bytes(announce(keys, tiers)));
    assertFits(golden.bytes(new Lookup(1, 2, 3, 4, keys, golden.ref())));
    assertFits(golden.bytes(new Found(1, 2, 3, true, 4, held)));
    assertFits(golden.bytes(new Widen(1, 2, Arrays.copyOf(keys, CopyCore.MAX_HOT))));
  }

  private static void assertFits(byte[] bytes) {
    assertTrue(bytes.length <= CborGolden.MAX_BYTES, bytes.length + " bytes");
  }

  @Test
  void shouldRefuseWhatIsNotWellFormed() {
    assertTrue(announce(new long[2], new byte[1]).isWellFormed());
    assertFalse(announce(new long[3], new byte[1]).isWellFormed());
    assertFalse(announce(new long[2], new byte[2]).isWellFormed());
    assertFalse(new Announce(1, 1, 1, -1, false, 0, 0, null, null, null).isWellFormed());
    assertFalse(new Lookup(1, 0, 1, 1, new long[3], golden.ref()).isWellFormed());
    assertFalse(new Lookup(1, 0, 1, 1, new long[2], null).isWellFormed());
    assertEquals(0, new Lookup(1, 0, 1, 1, null, null).keys().length);
  }
}
