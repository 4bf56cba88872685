package io.kvasir.node.bench.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;

/** What the bench does to nodes by their admin routes and process ids. One thread. */
final class Nodes {
  private final BenchCluster cluster;
  private final BenchClient client;

  Nodes(BenchCluster cluster, BenchClient client) {
    this.cluster = cluster;
    this.client = client;
  }

  /** Drops cached blocks of a computing node; tiers as {@code device,host}. */
  void clear(String node, String tiers) throws IOException, InterruptedException {
    client.post(cluster.admin(node), "/kvasir/cache/clear?tiers=" + tiers);
  }

  /** Drops everything cached anywhere. */
  void clearAll() throws IOException, InterruptedException {
    for (String node : cluster.computing()) {
      clear(node, "device,host");
    }
  }

  /** Returns when the host tier has so many blocks, and none is on its way into it. */
  void awaitHostBlocks(String node, int blocks) throws IOException, InterruptedException {
    BenchCluster.await(
        blocks + " blocks in the host tier of " + node,
        () -> {
          JsonNode host = tier(node, "host");
          return host.path("blocks").asInt() >= blocks && host.path("inFlight").asInt() == 0;
        });
  }

  private JsonNode tier(String node, String name) throws IOException, InterruptedException {
    for (JsonNode tier : client.get(cluster.admin(node), "/kvasir/memory").path("tiers")) {
      if (tier.path("tier").asText().equals(name)) {
        return tier;
      }
    }
    throw new IOException("%s has no tier %s".formatted(node, name));
  }

  /** Processor time that a node's process has had, in all its threads. */
  Duration cpu(String node) throws IOException {
    return cpu(cluster.pid(node));
  }

  /** Processor time of a process, as /proc counts it. */
  static Duration cpu(long pid) throws IOException {
    return ProcessHandle.of(pid)
        .flatMap(process -> process.info().totalCpuDuration())
        .orElseThrow(() -> new IOException("process " + pid + " tells no processor time"));
  }
}
