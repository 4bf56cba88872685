package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a gateway knows of the nodes' load: their last reports, and what it has sent them since, so
 * that requests that come together do not all go to the node that was idle a moment ago. Bounded by
 * the nodes in view, the requests under way, max-sessions and max-prefixes. One thread.
 */
final class LoadBook {
  private record Key(long nodeId, String model) {}

  private record Session(String tenant, String name, String model) {}

  private record Last(long nodeId, int tokens) {}

  /**
   * A request that a node has. Its prompt counts as cached there before the directory says so:
   * whoever asks for the same prefix meanwhile does better behind it than beside it.
   */
  private static final class Sent {
    final Key to;
    final int tokens;
    final BlockKeys keys;
    boolean accepted;

    /** Whether the node's report counts it. */
    boolean reported;

    Sent(Key to, int tokens, BlockKeys keys) {
      this.to = to;
      this.tokens = tokens;
      this.keys = keys;
    }
  }

  // Key, value and the map's own node, names of 32 characters.
  private static final long REPORT_BYTES = 240;
  private static final long SENT_BYTES = 208;
  private static final long SESSION_BYTES = 320;

  private final ScheduleSettings settings;
  private final Map<Key, GenerationReply.Load> reports = new HashMap<>();
  private final Map<Long, Sent> sent = new HashMap<>();
  private final Map<Key, Set<Sent>> byNode = new HashMap<>();
  private final LinkedHashMap<Session, Last> sessions;
  private final SentPrefixes prefixes;

  LoadBook(ScheduleSettings settings) {
    this.settings = settings;
    this.sessions = new LinkedHashMap<>(16, 0.75f, true);
    this.prefixes = new SentPrefixes(settings.maxPrefixes());
  }

  /** A node reports. What it had accepted before is in the report. */
  void report(GenerationReply.Load load) {
    Key key = new Key(load.nodeId(), load.model());
    GenerationReply.Load before = reports.get(key);
    boolean older =
        before != null
            && before.incarnation() == load.incarnation()
            && before.sequence() >= load.sequence();
    if (older) {
      return;
    }
    reports.put(key, load);
    for (Sent on : byNode.getOrDefault(key, Set.of())) {
      on.reported |= on.accepted;
    }
  }

  /**
   * A request goes to a node.
   *
   * @param keys of its prompt; null = not known, or not cached there
   */
  void sent(long requestId, long nodeId, String model, int computeTokens, BlockKeys keys) {
    forget(requestId);
    Sent on = new Sent(new Key(nodeId, model), computeTokens, keys);
    sent.put(requestId, on);
    byNode.computeIfAbsent(on.to, to -> new HashSet<>()).add(on);
    if (keys != null) {
      prefixes.sent(keys, nodeId);
    }
  }

  /** The node has it; its next report counts it. */
  void accepted(long requestId) {
    Sent on = sent.get(requestId);
    if (on != null) {
      on.accepted = true;
    }
  }

  /** The request is over, or goes elsewhere. */
  void forget(long requestId) {
    Sent on = sent.remove(requestId);
    if (on != null) {
      Set<Sent> there = byNode.get(on.to);
      there.remove(on);
      if (there.isEmpty()) {
        byNode.remove(on.to);
      }
    }
  }

  /** Drops what is known of nodes that are not in view. */
  void keepOnly(Set<Long> nodeIds) {
    reports.keySet().removeIf(key -> !nodeIds.contains(key.nodeId()));
  }

  /** A session's last answer came from this node. */
  void used(String tenant, String session, String model, long nodeId, int tokens) {
    if (session == null) {
      return;
    }
    sessions.put(new Session(tenant, session, model), new Last(nodeId, tokens));
    Iterator<Session> oldest = sessions.keySet().iterator();
    while (sessions.size() > settings.maxSessions()) {
      oldest.next();
      oldest.remove();
    }
  }

  /** Whether a session's last node is known. */
  boolean knows(String tenant, String session, String model) {
    return sessions.containsKey(new Session(tenant, session, model));
  }

  /** Entries of all its tables; for the bound's test. */
  int entryCount() {
    return reports.size() + sent.size() + sessions.size() + prefixes.size();
  }

  /** Heap that the tables take, by the usual size of an entry. */
  long estimatedBytes() {
    return REPORT_BYTES * reports.size()
        + SENT_BYTES * sent.size()
        + SESSION_BYTES * sessions.size()
        + prefixes.estimatedBytes();
  }

  boolean draining(long nodeId, String model) {
    GenerationReply.Load load = reports.get(new Key(nodeId, model));
    return load != null && load.draining();
  }

  /**
   * What is asked about a request.
   *
   * @param keys of the prompt; null = not known
   * @param sources that it may be loaded from: others do not make a node better
   */
  record Question(
      long requestId,
      String tenant,
      String session,
      String model,
      int promptTokens,
      BlockKeys keys,
      Holdings holdings,
      Set<Residence> sources,
      long selfNodeId) {}

  /** The nodes as the score wants them. */
  List<NodeScore.Candidate> candidates(List<NodeInfo> nodes, Question q) {
    Last last =
        q.session() == null ? null : sessions.get(new Session(q.tenant(), q.session(), q.model()));
    if (q.holdings().late() && last == null && q.keys() != null) {
      SentPrefixes.Place place = prefixes.find(q.keys());
      last = place == null ? null : new Last(place.nodeId(), place.tokens());
    }
    List<NodeScore.Candidate> all = new ArrayList<>(nodes.size());
    for (NodeInfo node : nodes) {
      all.add(candidate(node, q, last));
    }
    return all;
  }

  private NodeScore.Candidate candidate(NodeInfo node, Question q, Last last) {
    Key key = new Key(node.nodeId(), q.model());
    GenerationReply.Load load = reports.get(key);
    long backlog = load == null ? 0 : load.backlogTokens();
    int busy = load == null ? 0 : load.running() + load.waiting();
    int coming = 0;
    for (Sent on : byNode.getOrDefault(key, Set.of())) {
      if (!on.reported) {
        backlog += on.tokens;
        busy++;
      }
      coming = Math.max(coming, commonTokens(on.keys, q.keys()));
    }
    double rate =
        load == null || load.prefillTokensPerSecond() <= 0
            ? settings.prefillTokensPerSecond()
            : load.prefillTokensPerSecond();
    Found found = find(node, q);
    int device = found.deviceTokens;
    if (q.holdings().late() && last != null && last.nodeId() == node.nodeId()) {
      // The directory has nothing to say: where the session was, or the prefix was sent, is the
      // best guess.
      device = Math.min(last.tokens(), q.promptTokens());
    }
    device = Math.max(device, coming);
    return new NodeScore.Candidate(
        node.nodeId(),
        node.name(),
        busy,
        backlog,
        rate,
        placeWaitNs(load, busy),
        roomTokens(load, node, q) - backlog,
        device,
        Math.max(0, found.loadTokens - device),
        found.loadNs,
        node.nodeId() == q.selfNodeId() ? 0 : settings.hopNs(),
        mix(q.requestId(), node.nodeId()));
  }

  private static long placeWaitNs(GenerationReply.Load load, int busy) {
    if (load == null || load.maxRunning() <= 0 || busy < load.maxRunning()) {
      return 0;
    }
    double inFront = busy - load.maxRunning() + 1;
    return (long) (inFront / load.maxRunning() * load.requestMillis() * 1e6);
  }

  /** Tokens of the whole blocks at the beginning of both. */
  private static int commonTokens(BlockKeys one, BlockKeys other) {
    if (one == null || other == null || one.slots() != other.slots()) {
      return 0;
    }
    // A key names everything before it: those that are equal come first.
    int low = 0;
    int high = Math.min(one.blockCount(), other.blockCount());
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      boolean equal =
          one.high(0, middle - 1) == other.high(0, middle - 1)
              && one.low(0, middle - 1) == other.low(0, middle - 1);
      low = equal ? middle : low;
      high = equal ? high : middle - 1;
    }
    return low * one.slots();
  }

  /** What fits into memory that holds nothing; a node that has not reported is empty. */
  private static long roomTokens(GenerationReply.Load load, NodeInfo node, Question q) {
    ModelInfo model = model(node, q.model());
    if (load == null || model == null || model.shape() == null) {
      return Integer.MAX_VALUE;
    }
    int slots = model.shape().slots();
    int blocks = Math.ceilDiv(q.promptTokens(), slots);
    long bytes = Math.max(1, model.shape().prefixBytes(blocks));
    return (long) ((double) load.arenaFreeBytes() / bytes * blocks * slots);
  }

  private record Found(int deviceTokens, int loadTokens, long loadNs) {}

  private Found find(NodeInfo node, Question q) {
    ModelInfo model = model(node, q.model());
    if (model == null || model.shape() == null || q.holdings().holders().isEmpty()) {
      return new Found(0, 0, 0);
    }
    BlockShape shape = model.shape();
    int device = 0;
    int host = 0;
    int peer = 0;
    for (Holdings.Holder holder : q.holdings().holders()) {
      int blocks = holder.prefixBlocks(shape);
      boolean own = holder.nodeId() == node.nodeId();
      if (own && holder.incarnation() != node.incarnation()) {
        continue;
      }
      if (!own) {
        peer = q.sources().contains(Residence.PEER) ? Math.max(peer, blocks) : 0;
      } else if (holder.residence() == Residence.DEVICE) {
        device = Math.max(device, blocks);
      } else if (q.sources().contains(holder.residence())) {
        host = Math.max(host, blocks);
      }
    }
    int best = Math.max(host, peer);
    if (best <= device) {
      return new Found(device * shape.slots(), 0, 0);
    }
    long bytes = shape.prefixBytes(best) - shape.prefixBytes(device);
    double rate = host >= peer ? settings.hostBytesPerSecond() : settings.peerBytesPerSecond();
    return new Found(
        device * shape.slots(), best * shape.slots(), Math.max(0, (long) (bytes / rate * 1e9)));
  }

  /** The node's model of this id, or null. */
  static ModelInfo model(NodeInfo node, String id) {
    for (ModelInfo model : node.models()) {
      if (model.id().equals(id)) {
        return model;
      }
    }
    return null;
  }

  private static long mix(long requestId, long nodeId) {
    long z = requestId ^ nodeId * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
