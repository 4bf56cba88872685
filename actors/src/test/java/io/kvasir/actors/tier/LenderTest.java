package io.kvasir.actors.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.TierMessage.Borrow;
import io.kvasir.actors.tier.TierMessage.Chain;
import io.kvasir.actors.tier.TierMessage.Declined;
import io.kvasir.actors.tier.TierMessage.Lent;
import io.kvasir.actors.tier.TierMessage.Lives;
import io.kvasir.actors.tier.TierMessage.Reply;
import io.kvasir.actors.tier.TierMessage.Return;
import io.kvasir.transport.BlockKey;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class LenderTest {
  private static final int PEER = 9;
  private static final int LIFE = 77;

  private final AtomicLong nowNs = new AtomicLong(1);
  private final TierSettings settings =
      TierSettings.from(
          ConfigFactory.parseString("kvasir.actors.tier.max-borrows = 3")
              .withFallback(ConfigFactory.load()));
  private final List<BlockPlace> chain =
      BlockPlace.of(TestBlocks.keys(TestBlocks.PLAIN, "tenant", 1, 4), 0, 4);
  private Arena arena;
  private HostTier host;
  private Lender lender;

  @BeforeEach
  void open() {
    arena = Arena.ofShared();
    host = TestBlocks.host(TestBlocks.PLAIN, nowNs::get);
    host.store(TestBlocks.sealed(arena, TestBlocks.PLAIN, chain.subList(0, 3)), Duration.ZERO);
    lender = new Lender(host, null, settings, nowNs::get);
  }

  @AfterEach
  void close() {
    lender.close();
    assertEquals(0, lender.loanCount());
    assertEquals(0, host.stats().leases());
    host.close();
    host.freed().orTimeout(30, TimeUnit.SECONDS).join();
    arena.close();
  }

  private Reply borrow(long life, boolean alive) {
    Borrow request =
        new Borrow(5, new Lives(PEER, life, 1, 2), "domain", Chain.of(chain), 1000, null);
    return lender.borrow(request, chain, node -> alive).toCompletableFuture().join();
  }

  private boolean serves(long node, BlockPlace place) {
    return lender.find(node, new BlockKey(place.id().high(), place.id().low())) != null;
  }

  /** A6: what cannot be lent is said in the answer, not by silence. */
  @Test
  void shouldSayAtOnceWhichBlockItDoesNotLend() {
    Lent lent = assertInstanceOf(Lent.class, borrow(LIFE, true));
    assertEquals(0, lent.regions()[2]);
    assertEquals(-1, lent.regions()[3]);
    assertEquals(3 * 4 * 4, lent.checksums().length, "4 layers of 3 blocks");
  }

  @Test
  void shouldServeOnlyToTheBorrowerAndOnlyUntilItIsGivenBack() {
    assertNull(lender.find(PEER, new BlockKey(chain.get(0).id().high(), chain.get(0).id().low())));
    Lent lent = (Lent) borrow(LIFE, true);
    assertEquals(true, serves(PEER, chain.get(0)));
    assertEquals(false, serves(PEER + 1, chain.get(0)), "not lent to this one");
    lender.giveBack(new Return(new Lives(PEER + 1, LIFE, 1, 2), "domain", lent.lease(), null));
    lender.giveBack(new Return(new Lives(PEER, LIFE + 1, 1, 2), "domain", lent.lease(), null));
    assertEquals(true, serves(PEER, chain.get(0)), "a stranger cannot end it");
    lender.giveBack(new Return(new Lives(PEER, LIFE, 1, 2), "domain", lent.lease(), new int[0]));
    assertEquals(false, serves(PEER, chain.get(0)));
    assertEquals(0, host.stats().leases());
  }

  /** A7: on waking a node asks its own clock, before any sweep has run. */
  @Test
  void shouldServeNothingWhenItWakesAfterItsLeaseHasPassed() {
    borrow(LIFE, true);
    assertEquals(true, serves(PEER, chain.get(0)));
    nowNs.addAndGet(TimeUnit.SECONDS.toNanos(60));
    assertEquals(false, serves(PEER, chain.get(0)));
    lender.expire();
    assertEquals(0, lender.loanCount());
    assertEquals(0, host.stats().leases());
  }

  @Test
  void shouldTurnBorrowersAwayBeyondTheBound() {
    List<Reply> replies = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      replies.add(borrow(LIFE, true));
    }
    assertEquals(
        TierMessage.Reason.BUSY, assertInstanceOf(Declined.class, replies.get(3)).reason());
    assertEquals(1, lender.busyCount());
    Lent first = (Lent) replies.getFirst();
    lender.giveBack(new Return(new Lives(PEER, LIFE, 1, 2), "domain", first.lease(), null));
    assertEquals(true, serves(PEER, chain.get(0)), "two loans of the block are left");
    assertInstanceOf(Lent.class, borrow(LIFE, true));
  }

  @Test
  void shouldEndTheLoansOfALifeThatIsOver() {
    borrow(LIFE, true);
    lender.onView(Map.of((long) PEER, (long) LIFE));
    assertEquals(1, lender.loanCount());
    lender.onView(Map.of((long) PEER, LIFE + 1L));
    assertEquals(0, lender.loanCount());
    assertInstanceOf(Declined.class, borrow(LIFE, false));
  }

  /** A3: what was lent to a question that nobody waits for any more goes back at once. */
  @Test
  void shouldGiveBackALoanThatComesTooLate() {
    List<TierMessage> sent = new ArrayList<>();
    PeerCalls calls = new PeerCalls((node, message) -> sent.add(message), "domain");
    Reply none =
        calls
            .ask(
                1,
                id ->
                    new Borrow(id, new Lives(PEER, LIFE, 1, 2), "domain", Chain.of(chain), 1, null),
                Duration.ofMillis(20))
            .join();
    assertNull(none);
    assertEquals(0, calls.waitingCount());
    Lent lent = (Lent) borrow(LIFE, true);
    calls.onReply(
        new Lent(
            ((Borrow) sent.getFirst()).id(),
            lent.lives(),
            lent.lease(),
            lent.ttlMs(),
            lent.regions(),
            lent.slots(),
            lent.generations(),
            lent.checksums()));
    assertEquals(1, calls.lateCount());
    Return back = assertInstanceOf(Return.class, sent.getLast());
    assertNotNull(back.lives());
    lender.giveBack(back);
    assertEquals(0, lender.loanCount());
  }
}
