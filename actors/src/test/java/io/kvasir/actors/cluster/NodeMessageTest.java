package io.kvasir.actors.cluster;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class NodeMessageTest {
  private static CborGolden golden;

  @BeforeAll
  static void start() {
    golden = new CborGolden(NodeMessageTest.class);
  }

  @AfterAll
  static void stop() {
    golden.close();
  }

  @Test
  void shouldKeepTheBytesOfEveryMessage() {
    golden.check(
        "introduce-1", new NodeMessage.Introduce(NodeInfoTest.node(golden), 77, 3, golden.ref()));
    golden.check("known-1", new NodeMessage.Known(0x1122334455667788L, 3, golden.ref()));
    golden.check("ask-holdings-1", new NodeMessage.AskHoldings(golden.ref()));
    golden.check(
        "holdings-1",
        new NodeMessage.Holdings(
            -7L, List.of(new NodeMessage.Holdings.Tier("host", 530, 13_025_280L))));
  }
}
