package io.kvasir.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class NodeInfoTest {
  private static CborGolden golden;

  @BeforeAll
  static void start() {
    golden = new CborGolden(NodeInfoTest.class);
  }

  @AfterAll
  static void stop() {
    golden.close();
  }

  private static ModelInfo model() {
    return new ModelInfo(
        "factbook",
        "00112233",
        4096,
        512,
        128,
        new BlockShape(
            "00112233445566778899aabbccddeeff",
            16,
            List.of(new BlockShape.Group(8192, 4, 0, 1), new BlockShape.Group(2048, 2, 64, 1))),
        new KeyScheme(16, List.of(new byte[] {1, 2, 3}, new byte[] {4, 5})));
  }

  static NodeInfo node(CborGolden golden) {
    return new NodeInfo(
        -7L,
        0x1122334455667788L,
        "left",
        "pekko://kvasir@10.0.0.1:25520",
        Set.of("gateway", "prefill", "decode"),
        "0.1.0",
        List.of(model()),
        golden.ref(),
        null,
        golden.ref());
  }

  @Test
  void shouldKeepItsBytes() {
    golden.check("node-info-1", node(golden));
  }

  @Test
  void shouldReadWhatAnEarlierVersionDidNotSend() {
    NodeInfo bare =
        new NodeInfo(
            -7L,
            0x1122334455667788L,
            "left",
            "pekko://kvasir@10.0.0.1:25520",
            Set.of(),
            null,
            List.of(),
            null,
            null,
            null);
    golden.readsWithout(
        node(golden), bare, "roles", "appVersion", "models", "directory", "tier", "generations");
    assertEquals(Set.of(), bare.roles());
  }
}
