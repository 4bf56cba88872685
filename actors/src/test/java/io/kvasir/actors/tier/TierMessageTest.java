package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.cluster.CborGolden;
import io.kvasir.actors.tier.TierMessage.Chain;
import io.kvasir.actors.tier.TierMessage.Lives;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TierMessageTest {
  private static final Lives LIVES = new Lives(1, -5, 2, 0x1122334455667788L);
  private static final String DOMAIN = "0123456789abcdef0123456789abcdef";

  @Test
  void shouldKeepTheBytesOfEveryMessage() {
    List<BlockPlace> places =
        BlockPlace.of(TestBlocks.keys(TestBlocks.GROUPED, "tenant", 1, 2), 0, 2);
    Chain chain = Chain.of(places);
    try (CborGolden golden = new CborGolden(TierMessageTest.class)) {
      golden.check("find-1", new TierMessage.Find(7, LIVES, DOMAIN, chain, golden.ref()));
      golden.check("found-1", TierMessage.Found.of(7, BitSet.valueOf(new long[] {5, 1})));
      golden.check("borrow-1", new TierMessage.Borrow(7, LIVES, DOMAIN, chain, 1500, golden.ref()));
      TierMessage.Lent lent =
          new TierMessage.Lent(
              7,
              LIVES,
              3,
              1500,
              new int[] {0, -1},
              new int[] {4, 0},
              new int[] {-9, 0},
              new byte[] {1, 2, 3, 4});
      golden.check("lent-1", lent);
      golden.check("declined-1", new TierMessage.Declined(7, TierMessage.Reason.BUSY));
      golden.check("return-1", new TierMessage.Return(LIVES, DOMAIN, 3, new int[] {1}));
      golden.check("take-1", new TierMessage.Take(7, LIVES, DOMAIN, chain, 1500, golden.ref()));
      golden.check("forget-1", new TierMessage.Forget(7, LIVES, DOMAIN, chain, golden.ref()));
      golden.check("demote-1", new TierMessage.Demote(LIVES, DOMAIN, chain));
      golden.readsWithout(
          new TierMessage.Return(LIVES, DOMAIN, 3, new int[] {1}),
          new TierMessage.Return(LIVES, DOMAIN, 3, null),
          "broken");
    }
  }

  @Test
  void shouldFitTheLongestRequestIntoAMessage() {
    List<BlockPlace> places =
        BlockPlace.of(
            TestBlocks.keys(TestBlocks.PLAIN, "tenant", 1, TierActor.MAX_BLOCKS),
            0,
            TierActor.MAX_BLOCKS);
    try (CborGolden golden = new CborGolden(TierMessageTest.class)) {
      int bytes =
          golden.bytes(new TierMessage.Find(7, LIVES, DOMAIN, Chain.of(places), golden.ref()))
              .length;
      assertTrue(bytes <= CborGolden.MAX_BYTES, "bytes=" + bytes);
    }
  }
}
