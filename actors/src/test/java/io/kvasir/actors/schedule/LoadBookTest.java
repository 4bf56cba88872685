package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class LoadBookTest {
  private static final int SLOTS = 16;
  private static final int BLOCK_BYTES = 16 * 1024;
  private static final ScheduleSettings SETTINGS =
      ScheduleSettings.from(
          ConfigFactory.parseString(
                  "kvasir.actors.schedule { max-sessions = 100, max-prefixes = 500 }")
              .withFallback(ConfigFactory.load()));

  private final LoadBook book = new LoadBook(SETTINGS);

  static NodeInfo node(long id) {
    BlockShape shape =
        new BlockShape("d", SLOTS, List.of(new BlockShape.Group(BLOCK_BYTES, 1, 0, 0)));
    KeyScheme keys = new KeyScheme(SLOTS, List.of(new byte[16]));
    ModelInfo model = new ModelInfo("m", "f", 4096, 100, 8, shape, keys);
    return new NodeInfo(
        id,
        id * 10,
        "n" + id,
        "pekko://x",
        Set.of("decode"),
        "1",
        List.of(model),
        null,
        null,
        null);
  }

  private static GenerationReply.Load load(long node, long sequence, int running, long backlog) {
    return load(node, sequence, running, backlog, 0);
  }

  private static GenerationReply.Load load(
      long node, long sequence, int running, long backlog, long free) {
    return new GenerationReply.Load(
        node, node * 10, sequence, "m", 0, running, 8, backlog, free, 0, 1000, 0, 100, false);
  }

  private static LoadBook.Question question(long request, int prompt, Holdings holdings) {
    return new LoadBook.Question(
        request, "t", "s", "m", prompt, null, holdings, EnumSet.allOf(Residence.class), 0);
  }

  private static Holdings held(long node, long incarnation, Residence where, int blocks) {
    BitSet set = new BitSet();
    set.set(0, blocks);
    return new Holdings(
        List.of(new Holdings.Holder(node, incarnation, where, List.of(set))), false);
  }

  private NodeScore.Candidate candidate(long node, Holdings holdings, int prompt) {
    return book.candidates(List.of(node(node)), question(99, prompt, holdings)).getFirst();
  }

  private long choose(List<NodeInfo> nodes, long request, int prompt) {
    return NodeScore.rank(
            book.candidates(nodes, question(request, prompt, Holdings.NONE)), prompt, false)
        .getFirst()
        .candidate()
        .nodeId();
  }

  @Test
  void shouldSpreadAColdBurstBeforeAnyNodeReportsIt() {
    List<NodeInfo> nodes = List.of(node(1), node(2), node(3), node(4));
    Map<Long, Integer> counts = new HashMap<>();
    for (long request = 0; request < 40; request++) {
      long chosen = choose(nodes, request, 500);
      book.sent(request, chosen, "m", 500, null);
      counts.merge(chosen, 1, Integer::sum);
    }
    assertEquals(Map.of(1L, 10, 2L, 10, 3L, 10, 4L, 10), counts);
  }

  @Test
  void shouldCountWhatWasSentUntilTheNodesReportKnowsIt() {
    book.report(load(1, 1, 0, 0));
    book.sent(7, 1, "m", 300, null);
    assertEquals(300, candidate(1, Holdings.NONE, 10).backlogTokens());
    // A report from before the acceptance does not know it.
    book.report(load(1, 2, 0, 0));
    assertEquals(300, candidate(1, Holdings.NONE, 10).backlogTokens());
    book.accepted(7);
    book.report(load(1, 3, 1, 280));
    assertEquals(280, candidate(1, Holdings.NONE, 10).backlogTokens());
    assertEquals(1, candidate(1, Holdings.NONE, 10).busy());
  }

  private static BlockKeys keys(int shared, int own) {
    int[] prompt = new int[shared + own];
    for (int i = 0; i < prompt.length; i++) {
      prompt[i] = i < shared ? 7 : own;
    }
    return node(1).models().getFirst().keys().keys("t", prompt, prompt.length);
  }

  private int deviceTokens(long node, BlockKeys keys) {
    return deviceTokens(node, keys, Holdings.NONE);
  }

  private int deviceTokens(long node, BlockKeys keys, Holdings holdings) {
    LoadBook.Question asked =
        new LoadBook.Question(
            9, "t", null, "m", 100, keys, holdings, EnumSet.of(Residence.DEVICE), 0);
    return book.candidates(List.of(node(node)), asked).getFirst().deviceTokens();
  }

  @Test
  void shouldCountAPrefixAsCachedWhereItWasSentUntilItsRequestIsOver() {
    book.sent(7, 1, "m", 80, keys(64, 20));
    assertEquals(64, deviceTokens(1, keys(64, 21)));
    assertEquals(32, deviceTokens(1, keys(40, 60)));
    assertEquals(0, deviceTokens(1, keys(0, 100)));
    assertEquals(0, deviceTokens(1, null));
    assertEquals(0, deviceTokens(2, keys(64, 21)));
    book.accepted(7);
    book.report(load(1, 1, 1, 80));
    assertEquals(64, deviceTokens(1, keys(64, 21)));
    // By then the directory knows.
    book.forget(7);
    assertEquals(0, deviceTokens(1, keys(64, 21)));
  }

  @Test
  void shouldKnowWhereAPrefixWasSentWhenTheDirectoryIsLate() {
    book.sent(7, 1, "m", 100, keys(80, 20));
    book.forget(7);
    // Five blocks are shared: four are a power of two.
    assertEquals(64, deviceTokens(1, keys(80, 21), Holdings.LATE));
    assertEquals(0, deviceTokens(2, keys(80, 21), Holdings.LATE));
    assertEquals(0, deviceTokens(1, keys(80, 21), Holdings.NONE));
    assertEquals(0, deviceTokens(1, keys(0, 100), Holdings.LATE));
    book.sent(8, 2, "m", 100, keys(80, 22));
    book.forget(8);
    assertEquals(64, deviceTokens(2, keys(80, 21), Holdings.LATE));
    assertEquals(0, deviceTokens(1, keys(80, 21), Holdings.LATE));
  }

  @Test
  void shouldStayBoundedWhateverPrefixesAreSent() {
    for (int request = 0; request < 2_000; request++) {
      int[] prompt = new int[2 * SLOTS];
      Arrays.fill(prompt, request);
      book.sent(
          request, 1, "m", 32, node(1).models().getFirst().keys().keys("t", prompt, 2 * SLOTS));
      book.forget(request);
    }
    assertTrue(book.entryCount() <= 500, "entries " + book.entryCount());
  }

  @Test
  void shouldTakeWhatIsToBeComputedFromTheRoomOfANode() {
    assertEquals(Integer.MAX_VALUE, candidate(1, Holdings.NONE, 64).roomTokens());
    book.report(load(1, 1, 0, 100, 40 * BLOCK_BYTES));
    assertEquals(40 * SLOTS - 100, candidate(1, Holdings.NONE, 64).roomTokens());
    book.sent(7, 1, "m", 300, null);
    assertEquals(40 * SLOTS - 400, candidate(1, Holdings.NONE, 64).roomTokens());
  }

  @Test
  void shouldDropReportsThatWereOvertaken() {
    book.report(load(1, 5, 3, 0));
    book.report(load(1, 4, 9, 0));
    assertEquals(3, candidate(1, Holdings.NONE, 10).busy());
  }

  @Test
  void shouldTellOwnTiersFromPeers() {
    NodeScore.Candidate device = candidate(1, held(1, 10, Residence.DEVICE, 4), 100);
    assertEquals(64, device.deviceTokens());
    assertEquals(0, device.loadTokens());
    NodeScore.Candidate host = candidate(1, held(1, 10, Residence.HOST, 4), 100);
    assertEquals(0, host.deviceTokens());
    assertEquals(64, host.loadTokens());
    NodeScore.Candidate peer = candidate(1, held(2, 20, Residence.DEVICE, 4), 100);
    assertEquals(64, peer.loadTokens());
    assertTrue(peer.loadNs() > host.loadNs(), "a peer is farther than this host's memory");
  }

  @Test
  void shouldGiveNoCreditForTiersThatTheRequestMayNotLoadFrom() {
    for (Holdings held :
        List.of(held(1, 10, Residence.HOST, 4), held(2, 20, Residence.DEVICE, 4))) {
      LoadBook.Question asked =
          new LoadBook.Question(9, "t", "s", "m", 100, null, held, EnumSet.of(Residence.DEVICE), 0);
      assertEquals(0, book.candidates(List.of(node(1)), asked).getFirst().loadTokens());
    }
  }

  @Test
  void shouldGiveNoCreditForAnotherLifeOfTheNode() {
    assertEquals(0, candidate(1, held(1, 11, Residence.DEVICE, 4), 100).deviceTokens());
  }

  @Test
  void shouldTrustTheSessionOnlyWhenTheDirectoryIsLate() {
    book.used("t", "s", "m", 1, 48);
    assertEquals(48, candidate(1, Holdings.LATE, 100).deviceTokens());
    assertEquals(0, candidate(2, Holdings.LATE, 100).deviceTokens());
    assertEquals(0, candidate(1, Holdings.NONE, 100).deviceTokens());
  }

  @Test
  void shouldStayBoundedOverALongRun() {
    Random random = new Random(11);
    List<Long> underWay = new ArrayList<>();
    for (long request = 0; request < 200_000; request++) {
      long node = 1 + random.nextInt(5);
      book.sent(request, node, "m", 10, null);
      underWay.add(request);
      book.used("t", "s" + random.nextInt(50_000), "m", node, 10);
      if (underWay.size() > 64) {
        book.forget(underWay.remove(random.nextInt(underWay.size())));
      }
      if (request % 50 == 0) {
        book.report(load(node, request, 1, 0));
      }
      if (request % 1000 == 0) {
        book.keepOnly(Set.of(1L, 2L, 3L));
      }
    }
    assertTrue(book.entryCount() <= 64 + 1 + 100 + 5, "entries " + book.entryCount());
  }
}
