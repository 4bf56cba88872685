package io.kvasir.node.bench.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvasir.actors.directory.DirectoryBench.Figure;
import io.kvasir.node.bench.BenchRow;
import io.kvasir.node.bench.cluster.RoutingPart.Trace;
import io.kvasir.node.bench.transport.Medium;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cluster bench: its parts on their own, and all of it on a tiny model. */
final class ClusterBenchTest {
  @TempDir Path dir;

  @Test
  void shouldUseEveryPrefixEquallyOftenInAnOrderThatFollowsFromTheSeed() {
    Trace trace = Trace.WHOLE;
    int[] order = trace.order(3);
    assertArrayEquals(order, trace.order(3));
    assertFalse(Arrays.equals(order, trace.order(4)));
    for (int group = 0; group < trace.groups(); group++) {
      int wanted = group;
      assertEquals(trace.uses(), Arrays.stream(order).filter(g -> g == wanted).count());
    }
  }

  @Test
  void shouldGiveEachDeviceHalfTheWorkingSetAndRoomToRun() {
    Trace trace = new Trace(16, 512, 16, 4, 10, 4);
    assertEquals(256, trace.workingSetBlocks(32));
    assertEquals((128 + 4) * 1000L, trace.arenaBytes(32, 1000));
    assertTrue(trace.ownTokens() + trace.answerTokens() < 32, "no block but the prefix is cached");
    assertEquals(0, trace.prefixTokens() % 32);
  }

  @Test
  void shouldTellNodesApartByRoleAndMedium() {
    ClusterPlan ipc =
        new ClusterPlan("m", Medium.IPC, List.of(Map.of(), Map.of()), 2, 1, 700, Map.of());
    assertEquals(4, ipc.nodes().size());
    assertTrue(ipc.nodes().get(1).gateway());
    assertEquals(List.of("gateway"), ipc.nodes().get(1).roles());
    assertEquals(700, ipc.nodes().get(2).heapMib());
    assertFalse(ipc.nodes().get(2).settings().containsKey("kvasir.actors.link.udp-host"));
    ClusterPlan udp = new ClusterPlan("m", Medium.UDP_64K, List.of(Map.of()), 2, 1, 700, Map.of());
    assertEquals("embedded", udp.nodes().getLast().settings().get("kvasir.transport.driver.mode"));
    assertEquals("65504", udp.nodes().getLast().settings().get("kvasir.transport.sizing.mtu"));
  }

  @Test
  void shouldReadFiguresOfTheChildAndNothingElse() {
    Figure figure = new Figure("heap of 10 things", 1.25, "GB", 1.5, false);
    assertEquals(figure, FigureWorker.parse(FigureWorker.line(figure)));
    assertNull(FigureWorker.parse("WARNING: something\telse"));
    BenchRow row = FigureProcess.row(figure);
    assertTrue(row.met());
    assertFalse(FigureProcess.row(new Figure("rate", 1, "1/s", 2, true)).met());
  }

  @Test
  void shouldRefuseToKillNobody() {
    ClusterBench.Options good = ClusterBench.Options.defaults();
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> new ClusterBench.Options(good.model(), Set.of(), 0, 1, null, false, true));
    assertTrue(refused.getMessage().contains("--kills=0"), refused.getMessage());
  }

  @Test
  @Tag("slow")
  void shouldMeasureEveryPartOnRealProcesses() throws Exception {
    Path config =
        Files.writeString(
            dir.resolve("config.json"),
            """
            {"model_type": "llama", "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96,
             "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
             "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "tie_word_embeddings": false,
             "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
            """);
    Path json = dir.resolve("out.json");
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    int exit =
        ClusterBench.run(
            new ClusterBench.Options("dummy:" + config, Set.of(), 1, 1, json, false, true),
            new PrintStream(printed, true, StandardCharsets.UTF_8));
    assertEquals(0, exit);
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    List<String> names = rows.findValuesAsText("name");
    for (String start :
        List.of(
            "TTFT, host tier",
            "TTFT, peer over IPC",
            "TTFT, peer over UDP",
            "4 prefixes, prefix routing, all tiers",
            "resume gap, embedded model",
            "resume gap, long context",
            "idle node",
            "heap of 500 idle sessions",
            "lookup of 100 blocks, remote")) {
      assertTrue(names.stream().anyMatch(name -> name.startsWith(start)), start + " in " + names);
    }
    // So small a model is computed rather than loaded, which voids those two rows' samples and no
    // other's: every text was equal, and what tiers were not to give came from none.
    for (JsonNode row : rows) {
      boolean loads = row.get("name").asText().matches("TTFT, (host|peer).*");
      assertTrue(loads || !row.get("note").asText().startsWith("INVALID"), row.toString());
    }
  }
}
