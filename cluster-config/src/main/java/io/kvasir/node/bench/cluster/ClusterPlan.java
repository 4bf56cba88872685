package io.kvasir.node.bench.cluster;

import io.kvasir.node.bench.transport.Medium;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The nodes of a cluster to measure: gateways that compute nothing, and nodes that compute.
 * Immutable.
 *
 * @param model as {@code --model} takes it
 * @param medium between the nodes: shared memory through one media driver, or sockets between a
 *     driver in each node
 * @param gateways settings of each gateway, beside the shared ones
 * @param computing how many nodes compute
 * @param threads of each computing node
 * @param heapMib of each computing node
 * @param shared settings of all
 */
record ClusterPlan(
    String model,
    Medium medium,
    List<Map<String, String>> gateways,
    int computing,
    int threads,
    int heapMib,
    Map<String, String> shared) {
  private static final int GATEWAY_HEAP_MIB = 256;

  ClusterPlan {
    gateways = gateways.stream().map(Map::copyOf).toList();
    shared = Map.copyOf(shared);
  }

  /** What one node is started with, beside its addresses. */
  record Node(
      String name,
      boolean gateway,
      int heapMib,
      List<String> roles,
      Map<String, String> settings) {}

  int nodeCount() {
    return gateways.size() + computing;
  }

  /** Gateways first: the first of them begins the cluster. */
  List<Node> nodes() {
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < nodeCount(); i++) {
      boolean gateway = i < gateways.size();
      Map<String, String> settings = new LinkedHashMap<>(common());
      settings.putAll(shared);
      if (gateway) {
        settings.putAll(gateways.get(i));
      }
      nodes.add(
          new Node(
              "node-" + (i + 1),
              gateway,
              gateway ? GATEWAY_HEAP_MIB : heapMib,
              gateway ? List.of("gateway") : List.of("decode", "prefill", "cache"),
              settings));
    }
    return nodes;
  }

  private Map<String, String> common() {
    Map<String, String> common = new LinkedHashMap<>();
    common.put("kvasir.runtime.model", model);
    common.put("kvasir.runtime.threads", Integer.toString(threads));
    // Requests name the node and the tiers that are measured.
    common.put("kvasir.actors.schedule.request-override", "true");
    common.put("kvasir.transport.sizing.max-peers", Integer.toString(nodeCount() - 1));
    // Both ends share cores with everything else here: while one is off its core, the other goes on
    // with what lies in the log. A log that sockets fill is gone through by both drivers too.
    common.put("kvasir.transport.sizing.bulk-term", medium == Medium.IPC ? "8 MiB" : "4 MiB");
    if (medium == Medium.IPC) {
      common.put("kvasir.transport.sizing.nodes-per-host", Integer.toString(nodeCount()));
    } else {
      common.put("kvasir.transport.driver.mode", "embedded");
      common.put("kvasir.actors.link.udp-host", "127.0.0.1");
      // What a host with such a network is tuned to; the raw rate beside it has the same.
      common.put("kvasir.transport.sizing.mtu", Integer.toString(medium.mtu()));
      common.put("kvasir.transport.sizing.round-trip", "3 ms");
    }
    return common;
  }
}
